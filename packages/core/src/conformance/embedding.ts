// Letters: L tokens, D modelDim.
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
]
