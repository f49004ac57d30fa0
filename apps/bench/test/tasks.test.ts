// Tasks make what the study they come from defines, whatever the length and the seed; and trials fit where they are read.
import { seededRandom } from '@alibi/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { askedTrial } from '../src/data/tasks/asked.js'
import { fingerprintOf } from '../src/data/tasks/fingerprint.js'
import { longestFitting, makeTrials } from '../src/data/tasks/fit.js'
import { openTask } from '../src/data/tasks/open.js'
import { bytesOf, expectFitting, taskBatches } from '../src/data/tasks/rows.js'
import { type NamedTask, textOfTrial } from '../src/data/tasks/task.js'
import { byteTokenizer, wordTokenizerOf } from '../src/data/tokenizer/tokenizer.js'

const open = (name: string) => openTask(name, { log() {} })
/** Those of the study; RULER's are in ruler.test.ts. */
const names = ['addition', 'copy', 'count', 'parity', 'polynomial', 'reversal', 'sorting', 'sum']
const tasks = new Map(await Promise.all(names.map(async (name) => [name, await open(name)] as const)))
const seed = fc.integer()
const length = fc.integer({ min: 1, max: 40 })

/** Holds for every trial of a task. */
const always = (name: string, holds: (prompt: string, answer: string, length: number) => void) =>
  fc.assert(
    fc.property(length, seed, (length, seed) => {
      const { prompt, answer } = tasks.get(name)!.trial(length, seededRandom(seed), 1024)
      holds(prompt, answer, length)
    }),
  )

// Kazemnejad et al. (2023): each rule is computed here in another way than the task computes it.
describe('by the study’s rules', () => {
  it('addition adds numbers of which the longer has the length, digit by digit', () => {
    always('addition', (prompt, answer, length) => {
      const [, a, b] = /^(\d+)\+(\d+)=$/.exec(prompt)!
      expect(Math.max(a!.length, b!.length)).toBe(length)
      for (const number of [a!, b!]) expect(number).toMatch(/^(\d|[1-9]\d+)$/)
      let [carry, digits] = [0, '']
      for (let i = 0; i < length || carry; i++) {
        const column = Number(a!.at(-1 - i) ?? 0) + Number(b!.at(-1 - i) ?? 0) + carry
        digits = `${column % 10}${digits}`
        carry = column > 9 ? 1 : 0
      }
      expect(answer).toBe(digits)
    })
  })

  it('sum adds numbers from 1 to 9 modulo 10', () => {
    always('sum', (prompt, answer, length) => {
      expect(prompt).toMatch(/^[1-9](\+[1-9])*=$/)
      const numbers = prompt.match(/\d/g)!.map(Number)
      expect(numbers).toHaveLength(length)
      expect(answer).toBe(`${numbers.reduce((rest, number) => (rest + number) % 10, 0)}`)
    })
  })

  it('parity tells an odd number of ones', () => {
    always('parity', (prompt, answer, length) => {
      expect(prompt).toMatch(/^[01]( [01])*\?$/)
      expect(prompt.match(/[01]/g)).toHaveLength(length)
      const odd = prompt.split('').reduce((flag, bit) => (bit === '1' ? !flag : flag), false)
      expect(answer).toBe(odd ? 'odd' : 'even')
    })
  })

  it('polynomial has terms, coefficients, powers and x of the study’s ranges, and their value modulo 10', () => {
    always('polynomial', (prompt, answer, length) => {
      const [, x, terms] = /^x=(-?[0-2]):(.*)=$/.exec(prompt)!
      const all = [...terms!.matchAll(/([+-]?)([0-3])x([0-3])/g)]
      expect(all.map(([text]) => text).join('')).toBe(terms)
      expect(all).toHaveLength(length)
      // Horner's rule over the sums of coefficients of each power.
      const coefficients = [0, 0, 0, 0]
      for (const [, sign, coefficient, power] of all)
        coefficients[Number(power)]! += Number(coefficient) * (sign === '-' ? -1 : 1)
      const value = coefficients.reduceRight((total, coefficient) => total * Number(x) + coefficient, 0)
      expect((Number(answer) - value) % 10 === 0 && /^\d$/.test(answer), `${prompt}${answer}`).toBe(true)
    })
  })

  it('copy and reversal give the letters back, count their number modulo 10', () => {
    always('copy', (prompt, answer, length) => {
      expect(prompt).toBe(`copy:${answer}=`)
      expect(answer).toHaveLength(length)
    })
    always('reversal', (prompt, answer, length) => {
      expect(prompt).toBe(`reverse:${[...answer].reverse().join('')}=`)
      expect(answer).toHaveLength(length)
    })
    always('count', (prompt, answer, length) => {
      expect(/^count:([a-z]*)=$/.exec(prompt)![1]).toHaveLength(length)
      expect(answer).toBe(`${length}`.at(-1))
    })
  })

  it('sorting gives the letters back in the alphabet’s order', () => {
    always('sorting', (prompt, answer, length) => {
      const letters = /^sort:([a-z]*)=$/.exec(prompt)![1]!
      expect(letters).toHaveLength(length)
      expect(answer).toHaveLength(length)
      for (const [i, letter] of [...answer].entries()) {
        if (i) expect(letter >= answer[i - 1]!, answer).toBe(true)
        expect(answer.split(letter).length).toBe(letters.split(letter).length)
      }
    })
  })
})

describe.each([...tasks])('%s', (_, task) => {
  it('makes the same trials again, and others from other seeds', () => {
    const make = (seed: number) => Array.from({ length: 20 }, (_, i) => task.trial(9, seededRandom(seed + i), 1024))
    expect(make(1)).toEqual(make(1))
    expect(make(1)).not.toEqual(make(100))
  })

  it('has trials of the longest length that fits, the same for every model', () => {
    for (const most of [24, 40, 97]) {
      const longest = longestFitting(task, bytesOf, most)!
      const { length, trials } = makeTrials(task, bytesOf, most, 50)!
      expect(length).toBe(longest)
      for (const trial of trials) expect(bytesOf(trial)).toBeLessThanOrEqual(most)
      expect(makeTrials(task, bytesOf, most, 50)).toEqual({ length, trials })
      // A longer one does not fit, or not always.
      const longer = Array.from({ length: 200 }, (_, i) => bytesOf(task.trial(longest + 1, seededRandom(i), most)))
      expect(Math.max(...longer)).toBeGreaterThan(most)
    }
  })

  it('trains on rows of one trial each, and asks for its answer and the end of the line alone', () => {
    const { rows, asked } = taskBatches(task, { batchSize: 40, trainLength: 40 })(1, 7)
    const lengths = new Set<number>()
    for (const [i, row] of rows.entries()) {
      expect(row).toHaveLength(41)
      expect(asked[i]).toHaveLength(40)
      const [line] = Buffer.from(row).toString().split('\n')
      const answer = [...row.subarray(1)].filter((_, j) => asked[i]![j])
      expect(line!.length + 1).toBeLessThanOrEqual(40)
      expect(Buffer.from(answer).toString()).toBe(`${/[=?](.*)$/.exec(line!.replace(/^x=/, ''))![1]}\n`)
      lengths.add(line!.length)
    }
    expect(lengths.size).toBeGreaterThan(3)
  })

  it('has the same rows for a seed and step, and others for others', () => {
    const batches = taskBatches(task, { batchSize: 4, trainLength: 40 })
    expect(batches(1, 7)).toEqual(batches(1, 7))
    expect(batches(1, 8)).not.toEqual(batches(1, 7))
    expect(batches(2, 7)).not.toEqual(batches(1, 7))
  })

  it('says which length its trials need', () => {
    const refused = (most: number) => {
      try {
        expectFitting(task, 'train', most)
        return undefined
      } catch (error) {
        return (error as Error).message
      }
    }
    const enough = Number(/fits in, got 1; take (\d+) or more$/.exec(refused(1)!)![1])
    expect(refused(enough)).toBe(undefined)
    expect(refused(enough - 1)).toContain(`take ${enough} or more`)
  })
})

describe('a trial in tokens', () => {
  const trial = { prompt: 'one two: ', answer: 'three four', parts: ['three', 'four'] }

  it('has the bytes of each part, and of a whole answer its end', () => {
    const { tokens, answerLength, parts } = askedTrial(trial, byteTokenizer)
    expect(Buffer.from(tokens).toString()).toBe(textOfTrial(trial))
    expect(answerLength).toBe(10)
    expect(parts).toEqual([
      [0, 5],
      [6, 10],
    ])
    const whole = askedTrial({ prompt: '1+2=', answer: '3' }, byteTokenizer)
    expect(Buffer.from(whole.tokens).toString()).toBe('1+2=3\n')
    expect(whole).toMatchObject({ answerLength: 2, parts: [[0, 2]] })
  })

  it('has the words of each part, the end of a line, and what is read first', () => {
    const tokenizer = wordTokenizerOf(Buffer.from('one two: three four five\n'), 16)
    const { tokens, answerLength, parts } = askedTrial(trial, tokenizer, 'eos')
    expect(tokenizer.decode(tokens)).toBe('\none two: three four ')
    expect(answerLength).toBe(2)
    expect(parts).toEqual([
      [0, 1],
      [1, 2],
    ])
    const whole = askedTrial({ prompt: 'one ', answer: 'two: three' }, tokenizer)
    expect(whole).toMatchObject({ answerLength: 3, parts: [[0, 3]] })
  })

  it('counts characters of several bytes as bytes, as tokenizers do', () => {
    const { answerLength, parts } = askedTrial({ prompt: 'é→', answer: 'ü ∞', parts: ['ü', '∞'] }, byteTokenizer)
    expect(answerLength).toBe(6)
    expect(parts).toEqual([
      [0, 2],
      [3, 6],
    ])
  })
})

it('the fingerprint of a task is of its trials', async () => {
  const task = await open('copy')
  const of = (trial: NamedTask['trial'], longest = 9) => fingerprintOf({ ...task, trial }, longest, 64)
  expect(of((...given) => ({ ...task.trial(...given) }))).toBe(of(task.trial))
  expect(of((...given) => ({ ...task.trial(...given), answer: '!' }))).not.toBe(of(task.trial))
  expect(of(task.trial, 8)).not.toBe(of(task.trial))
})

it('a task whose trials never grow has a longest length all the same', () => {
  const task: NamedTask = { name: 'flat', unit: 'steps', shortest: 1, trial: () => ({ prompt: 'a', answer: 'b' }) }
  expect(longestFitting(task, bytesOf, 50)).toBeGreaterThanOrEqual(50)
})
