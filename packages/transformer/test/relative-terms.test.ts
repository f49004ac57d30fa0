// Relative terms where positions have gaps: random ones, those of each row, documents, a cache. D modelDim, H heads, L tokens.
import { compose, defineStrategy, type PositionStrategy, reference } from '@alibi/core'
import { rotary } from '@alibi/rotary'
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

it('computes relative terms at any positions, of all rows or of each, from a cache too', () => {
  const { terms } = hooks
  const several = [
    terms,
    compose(terms, rotary({ rotaryDim: 4 }), hooks.streaming),
    compose(terms, t5Bias({ numHeads: H })),
  ]
  const L = 9
  const positions = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: L, maxLength: L })
  fc.assert(
    fc.property(
      fc.constantFrom<PositionStrategy>(...several),
      fc.array(positions, { minLength: 1, maxLength: 2 }),
      fc.integer({ min: 1, max: L }),
      fc.boolean(),
      fc.subarray([3, 6]),
      (strategy, places, queriesPerTile, cached, ends) => {
        const model = createModel(tiny, strategy, 4)
        const rows = [tokens(L), tokens(L, 3)]
        const all = places.map((each) => Int32Array.from(each).sort())
        const cache = cached ? createKvCache() : undefined
        const documents = documentsOf(L, ends)
        // Positions of one row are those of both.
        const read = (from: number, to: number) =>
          model.forward(
            rows.map((row) => row.subarray(from, to)),
            {
              positions: Int32Array.from(all.flatMap((each) => [...each.subarray(0, to)])),
              documents: Int32Array.from(rows.flatMap(() => [...documents.subarray(0, to)])),
              queriesPerTile,
              ...(cache && { cache }),
            },
          )
        const whole = tf.tidy(() => {
          const parts = cached ? [read(0, 4), read(4, L)] : [read(0, L)]
          return tf
            .concat(
              parts.map((part) => tf.reshape(part, [2, -1, D])),
              1,
            )
            .dataSync()
        })
        rows.forEach((row, b) => {
          const want = forward64(model, row, documents, all[b] ?? all[0]!)
          expect(reference.tensor(whole.subarray(b * L * D, (b + 1) * L * D), want.shape)).toBeAllclose(
            [...want.data],
            { rtol: 2e-4, atol: 2e-4 },
          )
        })
        cache?.dispose()
        model.dispose()
      },
    ),
    { numRuns: 15, seed },
  )
})

it('trains relative terms at positions with gaps as at others with the same vectors', async () => {
  const { terms } = hooks.terms
  /** The vectors of half the distance. */
  const halved = defineStrategy({
    ...hooks.terms,
    terms: {
      ...terms,
      queryVectors: (ops, parameters, distances) =>
        terms.queryVectors!(
          ops,
          parameters,
          distances.map((d) => d / 2),
        ),
      keyVectors: (ops, parameters, distances) =>
        terms.keyVectors!(
          ops,
          parameters,
          distances.map((d) => d / 2),
        ),
    },
  })
  const losses = async (strategy: PositionStrategy, apart: number) => {
    const positions = (_: number, length: number) => Int32Array.from({ length }, (_, i) => apart * i)
    const config = { kind: 'adamw', learningRate: 1e-2 } as const
    const trainer = createTrainer(createModel(tiny, strategy, 2), config, { positions, queriesPerTile: 3 })
    const all: number[] = []
    for (let step = 0; step < 2; step++) all.push(await trainer.trainStep([tokens(9, step), tokens(9, step + 4)]))
    return all
  }
  expect(await losses(halved, 2)).toBeAllclose(await losses(hooks.terms, 1), { rtol: 1e-5 })
})
