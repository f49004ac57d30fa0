import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveRunConfig } from '../src/config/resolve.js'
import { readCorpus } from '../src/data/corpus.js'
import { ANSWER_LENGTH, makeTrials, taskNames, taskText, trialDistances } from '../src/data/retrieval-texts.js'
import { trialKindsOf } from '../src/experiment/retrieval.js'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const task = fc.constantFrom(...taskNames)

describe('trials', () => {
  it('are of the length asked for, and end with what was read the distance before', () => {
    fc.assert(
      fc.property(task, fc.integer({ min: 16, max: 600 }), (name, length) => {
        for (const distance of trialDistances(name, length))
          for (const trial of makeTrials(name, length, distance, 3)) {
            expect(trial).toHaveLength(length)
            const end = text(trial).slice(-ANSWER_LENGTH)
            expect(text(trial).slice(-ANSWER_LENGTH - distance, -distance)).toBe(end)
          }
      }),
    )
  })

  it('are the same again, and different from each other', () => {
    const make = () => makeTrials('passkey', 64, 28, 20).map(text)
    expect(make()).toEqual(make())
    expect(new Set(make()).size).toBe(20)
  })

  it('of the key have it nowhere else', () => {
    for (const trial of makeTrials('passkey', 400, 200, 20).map(text))
      expect(trial.match(/[A-Z0-9]+/g)).toEqual([trial.slice(-4), trial.slice(-4)])
  })

  it('are at quarters of the length for the key, at half for copying', () => {
    expect(trialDistances('passkey', 1024)).toEqual([254, 508, 762, 1016])
    expect(trialDistances('copy', 1024)).toEqual([512])
    expect(trialDistances('copy', 8)).toEqual([])
  })
})

describe.each(taskNames)('the text of %s', (name) => {
  it('has no trial beyond the train length, short and long distances, and the same bytes again', () => {
    const { train, valid } = taskText(name, 128)
    const lines = text(train).split('\n').slice(0, -1)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(128)
    // A line repeats itself at its distance, and has no answer less.
    const mark = name === 'copy' ? '|' : 'key='
    const distances = lines.map((line) => line.indexOf(mark, line.indexOf(mark) + 1) - line.indexOf(mark))
    const twice = lines.filter((line) => line.split(mark).length > 2)
    expect(twice.length).toBeGreaterThan(lines.length / 2)
    expect(Math.min(...distances.filter((each) => each > 0))).toBeLessThan(12)
    expect(Math.max(...distances)).toBeGreaterThan(name === 'copy' ? 32 : 110)
    expect(Buffer.from(train).equals(taskText(name, 128).train)).toBe(true)
    expect(text(valid.subarray(0, 1000))).not.toBe(text(train.subarray(0, 1000)))
  })

  it('needs room for a trial, and says how much', () => {
    const refused = (length: number) => {
      try {
        return void taskText(name, length)
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(refused(6)).toContain(`a trial of ${name} fits in, got 6`)
    const enough = Number(/take (\d+) or more/.exec(refused(6)!)![1])
    expect(refused(enough - 1)).toContain(`take ${enough} or more`)
    expect(refused(enough)).toBe(undefined)
  })
})

describe('a run', () => {
  it('tries the task it trains on, at every length', () => {
    const config = resolveRunConfig({ data: 'copy', trainLength: 64, evalLengths: [64, 256] })
    expect(trialKindsOf(config)).toEqual([
      { task: 'copy', evalLength: 64, distance: 32 },
      { task: 'copy', evalLength: 256, distance: 128 },
    ])
    expect(trialKindsOf(resolveRunConfig({}))).toEqual([])
  })

  it('reads tasks byte by byte', async () => {
    const options = resolveRunConfig({ data: 'copy', tokenizer: 'words' })
    await expect(readCorpus(options, { log() {} })).rejects.toThrow('tokenizer bytes for copy, got words')
  })
})
