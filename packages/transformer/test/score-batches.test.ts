// What replicas of an evaluation find together is what one process finds alone, bit for bit.
import { alibi } from '@alibi/alibi'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  createModel,
  type EvaluateOptions,
  type EvaluationReplicas,
  evaluate,
  type ScoreBatchesOptions,
  type ScoredBatch,
  scoreBatches,
} from '../src/index.js'
import { together } from './replicas-in-turn.js'
import { tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

describe('evaluate', () => {
  const cases: readonly (readonly [string, number, Omit<EvaluateOptions, 'evalLength'>])[] = [
    ['chunks', 129, {}],
    ['an odd number of batches, the last one not whole', 121, { batchTokens: 24 }],
    ['fewer batches than replicas', 20, {}],
    ['sliding windows', 61, { protocol: 'sliding', stride: 3, batchTokens: 16 }],
    ['sliding windows where fairseq has them', 61, { protocol: 'sliding', stride: 3, windows: 'fairseq' }],
    ['positions by the number of the batch', 90, { positions: (n, length) => tokens(length).map((_, i) => i + n) }],
  ]
  it.each(cases)('of 1, 2, 3 and 4 replicas finds the same: %s', async (_, length, options) => {
    const model = createModel(tiny, alibi({ numHeads: 2 }), 1)
    const text = tokens(length, 5)
    const found = async (replicas?: EvaluationReplicas) => {
      const told: unknown[] = []
      const onProgress = (...values: unknown[]) => told.push(values)
      const all = { evalLength: 8, batchTokens: 8, ...options, onProgress, replicas }
      const { tokensPerSecond, peakBytes, ...rest } = await evaluate(model, text, all)
      return { told, ...rest }
    }
    const alone = await found()
    expect(alone.tokens).toBe(length - 1)
    for (const count of [1, 2, 3, 4]) for (const each of await together(count, found)) expect(each).toEqual(alone)
    model.dispose()
  })

  it('measures memory on the replica that reads the first batch', async () => {
    const model = createModel(tiny, alibi({ numHeads: 2 }), 1)
    const found = await together(3, (replicas) =>
      evaluate(model, tokens(57), { evalLength: 8, batchTokens: 8, replicas }),
    )
    expect(found.map(({ peakBytes }) => peakBytes > 0)).toEqual([true, false, false])
    model.dispose()
  })

  it('refuses what are no replicas, and streaming, whose windows depend on each other', async () => {
    const model = createModel(tiny, alibi({ numHeads: 2 }), 1)
    const of = (options: object) => evaluate(model, tokens(20), { evalLength: 8, ...options })
    const sum = (values: Float64Array) => values
    await expect(of({ replicas: { index: 2, count: 2, sum } })).rejects.toThrow(
      'evaluate: expected replicas.index below 2, got 2',
    )
    await expect(of({ replicas: { index: 0, count: 2 } })).rejects.toThrow(
      'evaluate: expected replicas.sum as a function, got undefined',
    )
    await expect(of({ replicas: { index: 0, count: 2, sum }, protocol: 'streaming' })).rejects.toThrow(
      /^evaluate: expected no replicas when streaming, [^\n]+, got some; leave them out$/,
    )
    model.dispose()
  })
})

describe('scoreBatches', () => {
  /** The first of two replicas; of the other one only what it gives is known. */
  const withOther = (...others: readonly ArrayLike<number>[]): EvaluationReplicas & { readonly left: () => number } => {
    const calls = [...others]
    return {
      ...{ index: 0, count: 2, left: () => calls.length },
      sum(values) {
        const other = calls.shift()!
        return values.map((value, i) => value + (other[i] ?? -0))
      },
    }
  }
  async function collect<B>(batches: readonly B[], options: ScoreBatchesOptions<B>) {
    const all: ScoredBatch<B>[] = []
    for await (const each of scoreBatches(batches, options)) all.push(each)
    return all
  }
  const texts = ['a', 'bc', 'def']
  const size = (text: string) => text.length
  const score = async (text: string) => [...text].map((letter) => letter.charCodeAt(0) / 3)
  const message = (text: string) => Float64Array.from({ length: 500 }, (_, i) => text.charCodeAt(i) || 0)

  it('gives numbers of any bits in the order of the batches', async () => {
    const values = [-0, Number.NaN, Number.MIN_VALUE, -Infinity, 0.1 + 0.2]
    const [found] = await together(2, (replicas) =>
      collect(values, { size: () => 1, score: async (value) => [value], replicas }),
    )
    expect(found!.map(({ batch, numbers }) => [batch, numbers[0]])).toEqual(values.map((value) => [value, value]))
  })

  it('has each batch scored once, by the replicas in turn', async () => {
    const numbers = await together(3, async (replicas) => {
      const own: number[] = []
      const record = async (_: string, number: number) => {
        own.push(number)
        return []
      }
      await collect([...'abcdefg'], { size: () => 0, score: record, replicas })
      return own
    })
    expect(numbers).toEqual([
      [0, 3, 6],
      [1, 4],
      [2, 5],
    ])
  })

  it('throws what its own part has ended by, once the others know', async () => {
    const replicas = withOther([0, 1], [])
    const failing = () => Promise.reject(new TypeError('no'))
    await expect(collect(texts, { size, score: failing, replicas })).rejects.toThrow(new TypeError('no'))
    expect(replicas.left()).toBe(0)
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(collect(texts, { size, score, replicas: withOther([0, 1]), signal: aborted })).rejects.toThrow(
      'enough',
    )
    const short = async () => [1, 2]
    await expect(collect(texts, { size, score: short })).rejects.toThrow(
      'scoreBatches: expected 1 numbers of a batch, as its size is, got 2',
    )
  })

  it('throws what another replica has ended by', async () => {
    const failed = collect(texts, { size, score, replicas: withOther([0, 3], message('evaluate: no room')) })
    await expect(failed).rejects.toThrow(
      'scoreBatches: expected scores of all replicas, got an error on replica 1: evaluate: no room',
    )
    const stopped = collect(texts, { size, score, replicas: withOther([0, 1], [0, 2]) })
    await expect(stopped).rejects.toMatchObject({
      name: 'AbortError',
      message: 'scoreBatches: expected to go on, got a wish to stop on replica 1',
    })
  })

  it('adds up nothing with a replica that is elsewhere in its work', async () => {
    await expect(collect(texts, { size, score, replicas: withOther([0, 0]) })).rejects.toThrow(
      'scoreBatches: expected the same call on all replicas, got another on replica 1',
    )
  })
})
