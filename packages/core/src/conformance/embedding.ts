// Letters: L tokens, D modelDim.
import { initialParameters } from '../parameters.js'
import { positionRange } from '../positions.js'
import { reference } from '../reference.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { Check } from './check.js'
import { type Axis, expectEqual, expectFinite, expectShape, fail } from './expect.js'
import { firstPositions, knownPositions, variedParameters } from './inputs.js'
import { CONSECUTIVE, FROM_ZERO } from './suspects.js'

const hasEmbedding: Check['applies'] = ({ embedding }) => embedding !== undefined

const rows = (strategy: PositionStrategy, positions: Positions) =>
  strategy.embedding!.evaluate(reference, variedParameters(strategy), positions)

const embeddingAxes = (positions: Positions): Axis[] => [['position', positions], ['feature']]

export const embeddingChecks: readonly Check[] = [
  {
    name: 'embeds with finite rows of modelDim',
    applies: hasEmbedding,
    run(strategy) {
      const positions = knownPositions(strategy)
      const value = rows(strategy, positions)
      expectShape('an embedding', value, [positions.length, strategy.embedding!.modelDim])
      expectFinite('values of the embedding', value, embeddingAxes(positions))
    },
  },
  {
    name: 'embeds from an offset as in the long table',
    applies: hasEmbedding,
    run(strategy) {
      const positions = firstPositions(strategy, 24)
      const start = Math.floor(positions.length / 2)
      const tail = positions.subarray(start)
      const table = rows(strategy, positions)
      expectEqual(rows(strategy, tail), {
        what: `the rows from position ${start} on as in the long table`,
        want: reference.gather(table, tail, 0),
        axes: embeddingAxes(tail),
        suspects: [{ mistake: FROM_ZERO, values: () => table.data }],
      })
    },
  },
  {
    name: 'embeds a position whatever the others with it',
    applies: hasEmbedding,
    run(strategy) {
      const positions = knownPositions(strategy)
      const backwards = positionRange(0, positions.length).reverse()
      const reversed = positions.toReversed()
      expectEqual(rows(strategy, reversed), {
        what: 'the rows of positions in reverse, each as before',
        want: reference.gather(rows(strategy, positions), backwards, 0),
        axes: embeddingAxes(reversed),
        suspects: [
          {
            mistake: CONSECUTIVE,
            values: () => rows(strategy, positionRange(reversed[0]!, reversed.length)).data,
          },
        ],
      })
    },
  },
  {
    name: 'embeds different positions differently',
    applies: hasEmbedding,
    run(strategy) {
      const { modelDim } = strategy.embedding!
      const positions = knownPositions(strategy)
      const { data } = rows(strategy, positions)
      const seen = new Map<string, number>()
      positions.forEach((position, i) => {
        const row = data.slice(i * modelDim, (i + 1) * modelDim).join()
        if (seen.has(row))
          fail('a row of its own for each position', `the same for positions ${seen.get(row)} and ${position}`)
        seen.set(row, position)
      })
    },
  },
  {
    name: 'has the embedding it is known to have',
    applies: ({ embedding }, options) => embedding !== undefined && options.embedding !== undefined,
    run(strategy, options) {
      const { embedding, parameters } = strategy
      const positions = knownPositions(strategy)
      const D = embedding!.modelDim
      const known = options.embedding!
      const table = (value: (position: number, feature: number) => number) =>
        Array.from(positions).flatMap((p) => Array.from({ length: D }, (_, i) => value(p, i)))
      expectEqual(embedding!.evaluate(reference, initialParameters(reference, parameters), positions), {
        what: 'the known embedding',
        want: reference.tensor(table(known), [positions.length, D]),
        axes: embeddingAxes(positions),
        suspects: knownEmbeddingSuspects(D, known).map(({ mistake, value }) => ({
          mistake,
          values: () => table(value),
        })),
      })
    },
  },
]

/** How an embedding comes to differ from the known one. */
function knownEmbeddingSuspects(modelDim: number, known: (position: number, feature: number) => number) {
  const half = modelDim / 2
  return [
    { mistake: 'off by one: the first position is 0, not 1', value: (p: number, i: number) => known(p + 1, i) },
    { mistake: 'off by one: the first position is 1 in the formula', value: (p: number, i: number) => known(p - 1, i) },
    { mistake: 'sine and cosine are swapped', value: (p: number, i: number) => known(p, i ^ 1) },
    { mistake: 'the halves are swapped', value: (p: number, i: number) => known(p, (i + half) % modelDim) },
    {
      mistake: 'the layout: first halves, then second halves, where they alternate',
      value: (p: number, i: number) => known(p, i < half ? 2 * i : 2 * (i - half) + 1),
    },
    {
      mistake: 'the layout: halves alternate, where one follows the other',
      value: (p: number, i: number) => known(p, (i >> 1) + (i % 2) * half),
    },
  ]
}
