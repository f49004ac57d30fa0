// Letters: L tokens, D modelDim.
import { initialParameters } from '../parameters.js'
import { positionRange } from '../positions.js'
import { reference } from '../reference.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { Check } from './check.js'
import { expectEqual, expectFinite, expectShape, fail } from './expect.js'
import { firstPositions, knownPositions, variedParameters } from './inputs.js'

const hasEmbedding: Check['applies'] = ({ embedding }) => embedding !== undefined

const rows = (strategy: PositionStrategy, positions: Positions) =>
  strategy.embedding!.evaluate(reference, variedParameters(strategy), positions)

export const embeddingChecks: readonly Check[] = [
  {
    name: 'embeds with finite rows of modelDim',
    applies: hasEmbedding,
    run(strategy) {
      const positions = knownPositions(strategy)
      const value = rows(strategy, positions)
      expectShape('an embedding', value, [positions.length, strategy.embedding!.modelDim])
      expectFinite('embedding', value.data)
    },
  },
  {
    name: 'embeds from an offset as in the long table',
    applies: hasEmbedding,
    run(strategy) {
      const positions = firstPositions(strategy, 24)
      const start = Math.floor(positions.length / 2)
      const tail = positions.subarray(start)
      const want = reference.gather(rows(strategy, positions), tail, 0)
      expectEqual(`the rows from position ${start} on`, rows(strategy, tail), want)
    },
  },
  {
    name: 'embeds a position whatever the others with it',
    applies: hasEmbedding,
    run(strategy) {
      const positions = knownPositions(strategy)
      const backwards = positionRange(0, positions.length).reverse()
      const want = reference.gather(rows(strategy, positions), backwards, 0)
      expectEqual('the rows in reverse', rows(strategy, positions.toReversed()), want)
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
        if (seen.has(row)) fail('a row of its own for each position', `the same for ${seen.get(row)} and ${position}`)
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
      const got = embedding!.evaluate(reference, initialParameters(reference, parameters), positions)
      const D = embedding!.modelDim
      const want = Array.from(positions, (p) => Array.from({ length: D }, (_, i) => options.embedding!(p, i)))
      expectEqual(`the rows at ${positions}`, got, reference.tensor(want.flat(), [positions.length, D]))
    },
  },
]
