// StreamingLLM's places within the cache in a model: tiles, documents, padding and a cache. D modelDim, L tokens.
import { alibi } from '@alibi/alibi'
import { compile, selectBackend } from '@alibi/backend'
import { compose, reference } from '@alibi/core'
import { rotary } from '@alibi/rotary'
import { streaming } from '@alibi/streaming'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, it } from 'vitest'
import {
  createKvCache,
  createModel,
  createTrainer,
  evaluate,
  type ForwardOptions,
  type StepCompiler,
} from '../src/index.js'
import { documentsOf, forward64 } from './model64.js'
import { tiny, tokens } from './strategies.js'

const unavailable = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
beforeAll(async () => {
  await tf.setBackend('cpu')
})

const [D, L, numHeads, headDim] = [8, 14, 2, 4]
const cached = { window: 4, sinks: 2, positions: 'cache', numHeads, headDim } as const
const strategy = streaming(
  compose(rotary({ rotaryDim: 4 }), alibi({ numHeads, learned: true, perLayer: true })),
  cached,
)
const model = createModel(tiny, strategy, 4)
const row = tokens(L)
const hidden = (rows: Int32Array[], options?: ForwardOptions) =>
  tf.tidy(() => model.forward(rows, { queriesPerTile: 3, ...options }).dataSync())
/** fp32 sums of a few dozen terms of size 1. */
const close = { rtol: 1e-4, atol: 1e-4 }

it('computes what core says in float64, in documents and out of them', () => {
  for (const ends of [[], [3, 5]]) {
    const documents = documentsOf(L, ends)
    const want = forward64(model, row, documents)
    const got = hidden([row], ends.length ? { documents } : {})
    expect(reference.tensor(got, want.shape)).toBeAllclose([...want.data], close)
  }
})

it('gives a row the same behind padding, and from a cache', () => {
  const alone = hidden([row.subarray(3)])
  const padded = hidden([row, row], { padding: Int32Array.of(0, 3) })
  expect(padded.subarray((L + 3) * D)).toBeAllclose(alone, close)
  const cache = createKvCache()
  const parts = [0, 5, 9, 10].map((from, i, all) => [...hidden([row.subarray(from, all[i + 1] ?? L)], { cache })])
  expect(Float32Array.from(parts.flat())).toBeAllclose(hidden([row]), close)
  cache.dispose()
})

it('is not evaluated with a cache that drops the first tokens', async () => {
  const streamed = evaluate(model, tokens(30), { evalLength: 8, protocol: 'streaming' })
  await expect(streamed).rejects.toThrow(
    'nonoverlapping or sliding with streaming-rotary+alibi, which sees first tokens',
  )
})

it('trains, its slopes too, to the losses of the same model without tiles', async () => {
  const losses = async (queriesPerTile: number) => {
    const trainer = createTrainer(
      createModel(tiny, strategy, 4),
      { kind: 'adamw', learningRate: 1e-2 },
      { queriesPerTile },
    )
    const all: number[] = []
    for (let step = 0; step < 3; step++) all.push(await trainer.trainStep([tokens(L, step)]))
    return all
  }
  expect(await losses(3)).toBeAllclose(await losses(L), { rtol: 1e-5 })
})

it('trains on documents of each step as one graph', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  await tf.setBackend('tensorflow')
  let graphs = 0
  const compiler: StepCompiler = (step, variables) =>
    compile(step, variables, { xla: false, onCompile: () => graphs++, onFallback: (reason) => expect.fail(reason) })
  const losses = async (compiled: boolean) => {
    const documents = (own: Int32Array) => own.map((_, i) => own.subarray(0, i).filter((each) => each === 7).length)
    const options = { queriesPerTile: 3, documents, ...(compiled && { compile: compiler }) }
    const trainer = createTrainer(createModel(tiny, strategy, 4), { kind: 'adamw', learningRate: 1e-2 }, options)
    const all: number[] = []
    for (let step = 0; step < 3; step++) all.push(await trainer.trainStep([tokens(L + 1, step)]))
    trainer.dispose()
    return all
  }
  expect(await losses(true)).toBeAllclose(await losses(false), { rtol: 1e-5 })
  expect(graphs).toBe(1)
})
