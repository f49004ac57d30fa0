// Layers, documents, windows, offsets and every hook together, drawn at random, against a model in float64. D modelDim, H heads,
// L tokens.
import { alibi } from '@alibi/alibi'
import { byLayer, compose, none, type PositionStrategy, reference } from '@alibi/core'
import { fire } from '@alibi/fire'
import { rotary } from '@alibi/rotary'
import { learned } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'
import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { createKvCache, createModel, createTrainer } from '../src/index.js'
import * as hooks from './content-strategies.js'
import { documentsOf, forward64 } from './model64.js'
import { seed } from './seed.js'
import { tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const [D, H] = [8, 2]

const bias = fc.constantFrom<PositionStrategy>(
  none(),
  alibi({ numHeads: H, learned: true, perLayer: true }),
  t5Bias({ numHeads: H, perLayer: true }),
  fire({ numHeads: H, width: 4, threshold: 4 }),
)
const rotation = fc.constantFrom<PositionStrategy>(
  { specVersion: 1, name: 'still' },
  rotary({ rotaryDim: 4 }),
  hooks.halfOfTheHeads,
  hooks.trainedAngles,
)
const rewrite = fc.constantFrom<PositionStrategy>(
  { specVersion: 1, name: 'as-they-are' },
  hooks.softCap,
  hooks.stickBreaking,
  hooks.counting,
)
const seen = fc.constantFrom<PositionStrategy>({ specVersion: 1, name: 'all' }, hooks.windowed, hooks.streaming)
const optional = (strategy: PositionStrategy) =>
  fc.boolean().map((has): PositionStrategy => (has ? strategy : { specVersion: 1, name: `no-${strategy.name}` }))

/** A layer's strategy of any hooks together. */
const layer = fc
  .tuple(bias, rotation, rewrite, seen, optional(hooks.gated), optional(hooks.terms), optional(hooks.sink))
  // Logarithms of weights have no softmax for a sink to take from.
  .map((parts) =>
    compose(...parts.filter(({ sink }) => !sink || !parts.some(({ scores }) => scores?.weights === 'exp'))),
  )

/** One strategy for all layers, or a pattern of up to three, with or without learned positions below. */
const anyStrategy = fc.tuple(fc.array(layer, { minLength: 1, maxLength: 3 }), fc.boolean()).map(([layers, embeds]) => {
  const named = layers.map((each, i) => ({ ...each, name: `${i}-${each.name}` }))
  const all = named.length === 1 ? named[0]! : byLayer(named)
  return embeds && all.layers ? compose(learned({ modelDim: D, maxPositions: 64 }), all) : all
})

it('computes what core says in float64, whatever layers, documents, tiles and hooks', () => {
  fc.assert(
    fc.property(
      anyStrategy,
      fc.integer({ min: 1, max: 14 }),
      fc.array(fc.array(fc.integer({ min: 1, max: 13 }), { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 15 }),
      (strategy, L, ends, queriesPerTile) => {
        const model = createModel({ ...tiny, numLayers: 3 }, strategy, 4)
        const rows = ends.map((_, row) => tokens(L, 3 * row))
        const documents = ends.map((each) => documentsOf(L, each))
        const whole = tf.tidy(() =>
          model
            .forward(rows, { documents: Int32Array.from(documents.flatMap((each) => [...each])), queriesPerTile })
            .dataSync(),
        )
        rows.forEach((row, b) => {
          const want = forward64(model, row, documents[b]!)
          expect(reference.tensor(whole.subarray(b * L * D, (b + 1) * L * D), want.shape)).toBeAllclose(
            [...want.data],
            {
              rtol: 2e-4,
              atol: 2e-4,
            },
          )
        })
        model.dispose()
      },
    ),
    { numRuns: 60, seed },
  )
})

it('reads documents from a cache as at once', async () => {
  const model = createModel(tiny, compose(hooks.gated, hooks.streaming, alibi({ numHeads: H })), 2)
  const documents = documentsOf(10, [4, 7])
  const whole = await model.forward([tokens(10)], { documents }).data()
  const cache = createKvCache()
  const parts: number[] = []
  for (const [from, to] of [
    [0, 3],
    [3, 8],
    [8, 10],
  ] as const) {
    const hidden = model.forward([tokens(10).subarray(from, to)], { cache, documents: documents.subarray(0, to) })
    parts.push(...(await hidden.data()))
  }
  expect(Float32Array.from(parts)).toBeAllclose(whole, { rtol: 1e-5, atol: 1e-5 })
  cache.dispose()
})

it('lets an encoder see what follows, and no other document', async () => {
  const model = createModel({ ...tiny, causal: false }, alibi({ numHeads: H }), 2)
  const read = async (row: Int32Array, documents?: Int32Array) => [
    ...(await model.forward([row], { documents }).data()),
  ]
  const row = tokens(8)
  const before = await read(row)
  const after = await read(row.with(7, (row[7]! + 1) % 11))
  expect(after.slice(0, D)).not.toEqual(before.slice(0, D))
  const two = documentsOf(8, [5])
  const [apart, other] = [await read(row, two), await read(row.with(7, (row[7]! + 1) % 11), two)]
  expect(other.slice(0, 5 * D)).toEqual(apart.slice(0, 5 * D))
  expect(Float32Array.from(apart.slice(0, 5 * D))).toBeAllclose(await read(row.subarray(0, 5)), {
    rtol: 1e-5,
    atol: 1e-5,
  })
  expect(() => model.forward([row], { cache: createKvCache() })).toThrow('no cache with causal false')
})

it('does not compute what a window hides', () => {
  const products: number[] = []
  const matMul = tf.engine().runKernel
  const model = createModel({ ...tiny, numLayers: 1 }, hooks.streaming, 1)
  const scores = (length: number) => {
    products.length = 0
    tf.engine().runKernel = ((name, inputs, attrs) => {
      const result = matMul.call(tf.engine(), name, inputs, attrs) as tf.Tensor
      if (name === 'BatchMatMul' && result.shape.length > 2 && result.shape[1] === H) products.push(result.size)
      return result as never
    }) as typeof matMul
    try {
      model.forward([tokens(length)], { queriesPerTile: 16 }).dispose()
    } finally {
      tf.engine().runKernel = matMul
    }
    return products.reduce((a, b) => a + b, 0)
  }
  const [short, long] = [scores(128), scores(512)]
  expect(short).toBeGreaterThan(0)
  // Work of a layer with a window grows with the text, not with its square.
  expect(long / short).toBeLessThan(4.3)
  model.dispose()
})

it('trains an encoder to name hidden tokens, and rows of documents apart', async () => {
  const encoder = createTrainer(
    createModel({ ...tiny, vocabularySize: 12, causal: false }, alibi({ numHeads: H }), 1),
    { kind: 'adamw', learningRate: 1e-2 },
    { masked: { token: 11, share: 0.3 } },
  )
  const losses: number[] = []
  for (let step = 0; step < 60; step++) losses.push(await encoder.trainStep([tokens(12), tokens(12, 4)]))
  // At first by chance, ln 12 = 2.5; then at least by how often each of the 6 tokens comes, 1.8.
  expect(losses.slice(-10).reduce((a, b) => a + b) / 10).toBeLessThan(2)
  const ends = (row: Int32Array) => {
    let id = 0
    return row.map((token) => (token === 7 ? ++id : id))
  }
  const model = () => createModel(tiny, compose(hooks.gated, alibi({ numHeads: H })), 1)
  const first = async (options: Parameters<typeof createTrainer>[2]) =>
    createTrainer(model(), { kind: 'adamw', learningRate: 1e-2 }, options).trainStep([tokens(12), tokens(12, 3)])
  const [apart, together] = [await first({ documents: ends }), await first({})]
  expect(apart).not.toBe(together)
  expect(await first({ documents: ends, microBatches: 2 })).toBeCloseTo(apart, 5)
  const refused = (options: Parameters<typeof createTrainer>[2]) => () =>
    createTrainer(model(), { kind: 'adamw', learningRate: 1 }, options)
  expect(refused({ masked: { token: 3 } })).toThrow('causal false with masked')
})
