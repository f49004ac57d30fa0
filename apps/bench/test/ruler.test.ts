// RULER's tasks by what its paper (Hsieh et al., 2024, arXiv 2404.06654, §3 and appendix B) and synthetic.yaml define, read back
// from the prompts alone.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@alibi/core'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { openTask } from '../src/data/tasks/open.js'
import { sample, shuffled } from '../src/data/tasks/random.js'
import { hiddenInText } from '../src/data/tasks/ruler/haystack.js'
import { zeta } from '../src/data/tasks/ruler/word-counts.js'
import type { Trial } from '../src/data/tasks/task.js'

const folder = mkdtempSync(join(tmpdir(), 'alibi-ruler-'))
afterAll(() => rm(folder, { recursive: true }))
/** The last tenth is held out: sentences of five words, numbered. */
const text = join(folder, 'essays.txt')
writeFileSync(text, Array.from({ length: 400 }, (_, i) => `This is sentence number ${1000 + i}.`).join('\n'))

const open = (reference: string) => openTask(reference, { log() {} })
const seed = fc.integer()

/** Holds for trials of every length up to one. */
async function always(reference: string, longest: number, holds: (trial: Trial, length: number) => void, most = 1024) {
  const task = await open(reference)
  fc.assert(
    fc.property(fc.integer({ min: task.shortest, max: longest }), seed, (length, seed) =>
      holds(task.trial(length, seededRandom(seed), most), length),
    ),
    { numRuns: 40 },
  )
}

const NEEDLE = /One of the special magic (numbers|words|uuids) for (\S+) is: (\S+)\./g
const NOISE = 'The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.'
const KINDS = {
  words: /^[a-z]+-[a-z]+$/,
  numbers: /^[1-9]\d{6}$/,
  uuids: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
}

/** The needles of a prompt and what it asks for. */
function read({ prompt }: Trial) {
  const needles = [...prompt.matchAll(NEEDLE)].map(([, kind, key, value]) => ({ kind, key: key!, value: value! }))
  const query = /What (?:is|are all) the special magic \w+ for (.*) mentioned in the provided text\?/.exec(prompt)![1]!
  return { needles, asked: query.split(/,(?: and)? /) }
}

describe.each([
  ['niah-single-1', { kind: 'numbers', keyKind: 'words', needles: 1, asked: 1 }],
  ['niah-single-2', { kind: 'numbers', keyKind: 'words', needles: 1, asked: 1 }],
  ['niah-single-3', { kind: 'uuids', keyKind: 'words', needles: 1, asked: 1 }],
  ['niah-multikey-1', { kind: 'numbers', keyKind: 'words', needles: 4, asked: 1 }],
  ['niah-multikey-2', { kind: 'numbers', keyKind: 'words', needles: 1, asked: 1 }],
  ['niah-multikey-3', { kind: 'uuids', keyKind: 'uuids', needles: 1, asked: 1 }],
  ['niah-multivalue', { kind: 'numbers', keyKind: 'words', needles: 4, asked: 1 }],
  ['niah-multiquery', { kind: 'numbers', keyKind: 'words', needles: 4, asked: 4 }],
] as const)('%s', (name, { kind, keyKind, needles: count, asked: queries }) => {
  const essay = /single-[23]|multikey-1|multivalue|multiquery/.test(name)
  const reference = essay ? `${name}:text=${text}` : name

  it('hides as many needles as defined, and asks for the values of the queried keys', async () => {
    await always(reference, essay ? 300 : 30, (trial, length) => {
      const { needles, asked } = read(trial)
      expect(needles).toHaveLength(count + (name.startsWith('niah-multikey-') && !essay ? length : 0))
      expect(asked).toHaveLength(queries)
      for (const needle of needles) {
        expect(needle.kind).toBe(kind)
        expect(needle.key).toMatch(KINDS[keyKind])
        expect(needle.value).toMatch(KINDS[kind])
      }
      const values = asked.flatMap((key) => needles.filter((each) => each.key === key).map(({ value }) => value))
      expect(trial.parts).toEqual(values)
      expect(values).toHaveLength(name === 'niah-multivalue' ? 4 : queries)
      expect(new Set(values).size).toBe(values.length)
      expect(trial.answer.match(/[^ ,]+/g)!.filter((word) => word !== 'and')).toEqual(values)
    })
  })

  it('has the haystack of the length that is asked for, unchanged but for the needles', async () => {
    await always(reference, essay ? 300 : 30, ({ prompt }, length) => {
      const context = prompt.slice(prompt.indexOf('afterwards.\n') + 12, prompt.lastIndexOf('\nWhat '))
      if (essay) {
        const words = context.replaceAll(NEEDLE, ' ').split(/\s+/).filter(Boolean)
        // The held-out part is 40 sentences, which begin again.
        const whole = Array.from({ length: 400 }, (_, i) => `This is sentence number ${1360 + (i % 40)}.`)
        expect(words).toEqual(whole.join(' ').split(' ').slice(0, length))
      } else if (name === 'niah-single-1') {
        const lines = context.split('\n')
        expect(lines.filter((line) => line === NOISE)).toHaveLength(length)
        expect(lines).toHaveLength(length + count)
      } else expect(context.split('\n')).toHaveLength(length + count)
    })
  })

  it('is singular and plural as in RULER', async () => {
    const { prompt } = (await open(reference)).trial(essay ? 40 : 6, seededRandom(1), 1024)
    const one = queries * (name === 'niah-multivalue' ? 4 : 1) === 1
    expect(
      prompt.startsWith(
        one ? `A special magic ${kind.slice(0, -1)} is hidden` : `Some special magic ${kind} are hidden`,
      ),
    ).toBe(true)
    expect(prompt.endsWith(` mentioned in the provided text ${one ? 'is' : 'are'}`)).toBe(true)
  })
})

it('needles are at any depth of a text, whole sentences between sentences', () => {
  const words = Array.from({ length: 200 }, (_, i) => `S${i}.`)
  const at = new Set<number>()
  for (let seed = 0; seed < 400; seed++) {
    const out = hiddenInText(words, ['X.'], seededRandom(seed)).split(' ')
    expect(out.filter((word) => word !== 'X.')).toEqual(words)
    at.add(out.indexOf('X.'))
  }
  expect(Math.min(...at)).toBe(0)
  expect(Math.max(...at)).toBe(200)
  // RULER's depths are 40 steps from 0 to 100 %.
  expect(at.size).toBe(40)
})

describe('vt', () => {
  it('hides a chain of assignments in its order, asks for the value, and answers with all its variables', async () => {
    await always('vt:chains=2:hops=3:shots=0', 30, ({ prompt, answer, parts }, length) => {
      const [, value, number] = /assigned the value (\d+) in the text above.* (\d+) variables are/s.exec(prompt)!
      const lines = [...prompt.matchAll(/^VAR ([A-Z]{5}) = (?:VAR )?(\w+)$/gm)].map(
        ([, name, of]) => [name!, of!] as const,
      )
      expect(lines).toHaveLength(8)
      expect(prompt.split(NOISE)).toHaveLength(length + 1)
      // Each assignment is read when what it reads has been assigned.
      const values = new Map<string, string>()
      for (const [name, of] of lines) {
        expect(/^\d{5}$/.test(of) || values.has(of)).toBe(true)
        values.set(name, values.get(of) ?? of)
      }
      expect(values.size).toBe(8)
      expect(parts).toEqual([...values].filter(([, each]) => each === value).map(([name]) => name))
      expect(Number(number)).toBe(4)
      expect(answer).toBe(` ${parts!.join(' ')}`)
    })
  })

  it('has RULER’s one chain of four hops and one example before it, also in a text', async () => {
    const { prompt, parts } = (await open('vt')).trial(9, seededRandom(2), 4096)
    expect(parts).toHaveLength(5)
    const [example, question, ...more] = prompt.split('Memorize and track the chain(s)').slice(1)
    expect(more).toEqual([])
    expect(example).toMatch(/they are: ([A-Z]{3} ){4}[A-Z]{3}\n$/)
    expect(question!.endsWith('variables are assigned the value 12345, they are:')).toBe(false)
    expect((await open('vt:shots=0')).trial(9, seededRandom(2), 4096).prompt.split('Memorize')).toHaveLength(2)
    const inText = (await open(`vt:haystack=essay:text=${text}`)).trial(60, seededRandom(2), 4096)
    expect(inText.prompt.match(/VAR [A-Z]{5} = (VAR [A-Z]{5}|\d{5})\./g)).toHaveLength(5)
  })
})

describe('cwe', () => {
  it.each([
    [1024, 6, 1, 3, 1, 20],
    [4096, 30, 3, 10, 3, 40],
  ])(
    'in %d tokens has ten words %d times and others %d times, and an example of %d and %d',
    async (most, often, seldom, often1, seldom1, words1) => {
      await always(
        'cwe',
        60,
        ({ prompt, answer, parts }, length) => {
          const lists = [...prompt.matchAll(/appear most often\.\n(.*)\nQuestion/g)].map(([, list]) =>
            [...list!.matchAll(/(\d+)\. (\w+)/g)].map(([, i, word], at) => {
              expect(Number(i)).toBe(at + 1)
              return word!
            }),
          )
          expect(lists).toHaveLength(2)
          for (const [list, a, b, different] of [
            [lists[0]!, often1, seldom1, words1],
            [lists[1]!, often, seldom, length],
          ] as const) {
            const counts = new Map<string, number>()
            for (const word of list) counts.set(word, (counts.get(word) ?? 0) + 1)
            expect(counts.size).toBe(different)
            expect([...counts.values()].filter((times) => times === a)).toHaveLength(10)
            expect([...counts.values()].filter((times) => times === b)).toHaveLength(different - 10)
          }
          const last = lists[1]!
          expect(new Set(parts).size).toBe(10)
          for (const word of parts!) expect(last.filter((each) => each === word)).toHaveLength(often)
          expect(answer).toBe(` ${parts!.map((word, i) => `${i + 1}. ${word}`).join(' ')}`)
        },
        most,
      )
    },
  )
})

describe('fwe', () => {
  it('has coded words by a zeta distribution, its most frequent noise, and asks for the three after it', async () => {
    await always(
      'fwe',
      2000,
      ({ prompt, parts }, length) => {
        const coded = /coded words\. (.*)\nQuestion/s.exec(prompt)![1]!.split(' ')
        const counts = new Map<string, number>()
        for (const word of coded) counts.set(word, (counts.get(word) ?? 0) + 1)
        const ranks = [...counts].sort(([, a], [, b]) => b - a)
        expect(ranks[0]![0]).toBe('...')
        expect(
          ranks
            .slice(1, 4)
            .map(([word]) => word)
            .sort(),
        ).toEqual([...parts!].sort())
        // Nothing that is not asked for is as frequent.
        expect(ranks[3]![1]).toBeGreaterThan(ranks[4]?.[1] ?? 0)
        for (const word of parts!) expect(word).toMatch(/^[a-z]{6}$/)
        expect(ranks.length).toBeLessThanOrEqual(20)
        // n·k^−2 / ζ(2), of the largest n up to the length for which the third is ahead.
        const total = Math.round((ranks[0]![1] * Math.PI ** 2) / 6)
        expect(total).toBeLessThanOrEqual(length + 2)
        for (const [i, [, times]] of ranks.entries())
          expect(Math.abs(times - (total * 6) / Math.PI ** 2 / (i + 1) ** 2)).toBeLessThan(2)
      },
      1000,
    )
  })

  it.each([
    [2, Math.PI ** 2 / 6],
    [4, Math.PI ** 4 / 90],
    // Apéry's constant, and ζ(3/2) (OEIS A002117, A078434).
    [3, 1.2020569031595942],
    [1.5, 2.612375348685488],
  ])('ζ(%d) is %d', (s, value) => expect(zeta(s)).toBeCloseTo(value, 11))
})

it('a reference may have options, which are refused by name where they are wrong', async () => {
  await expect(open('niah-single-1:keys=0')).rejects.toThrow(
    'task niah-single-1: keys: expected an integer from 1 to 40, got 0',
  )
  await expect(open('niah-single-1:needles=2')).rejects.toThrow('expected an option from haystack, keyType')
  await expect(open('niah-single-1:text=x.txt')).rejects.toThrow(
    'expected text with a task that reads one (haystack=essay), got x.txt',
  )
  await expect(open('niah-single-2')).rejects.toThrow(
    'task niah-single-2: expected a text to hide needles in, got none',
  )
  await expect(open('addition:base=2')).rejects.toThrow('task addition: expected an option from none at all, got base')
  await expect(open('fwe:alpha=1')).rejects.toThrow('alpha: expected a number above 1, got 1')
  await expect(open('./mine.ts:base=2')).rejects.toThrow('expected options with a built-in task')
  expect((await open('vt:hops=2:as=two-hops')).name).toBe('two-hops')
  expect((await open(`niah-single-1:haystack=essay:text=${text}`)).name).toBe('niah-single-1-haystack-essay')
  const trial = (await open('niah-single-1:keys=3:values=2')).trial(20, seededRandom(1), 4096)
  expect(read(trial).needles).toHaveLength(6)
  expect(trial.parts).toHaveLength(2)
})

describe('chance', () => {
  it('samples different integers, ascending, each as often', () => {
    const counts = new Array(6).fill(0)
    const random = seededRandom(3)
    for (let i = 0; i < 6000; i++) {
      const values = sample(6, 3, random)
      expect(values).toEqual([...new Set(values)].sort((a, b) => a - b))
      for (const value of values) counts[value] += 1
    }
    // 3000 each; four standard deviations of a binomial are 155.
    for (const count of counts) expect(Math.abs(count - 3000)).toBeLessThan(155)
  })

  it('shuffles without loss', () => {
    expect(shuffled([1, 2, 3, 4], seededRandom(1)).sort()).toEqual([1, 2, 3, 4])
  })
})
