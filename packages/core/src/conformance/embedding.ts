import { positionRange } from '../positions.js'
import { reference } from '../reference.js'
import type { PositionStrategy } from '../strategy.js'
import { type Check, expectEqual, expectFinite, fail, knownPositions, variedParameters } from './check.js'

const hasEmbedding: Check['applies'] = ({ embedding }) => embedding !== undefined

const rows = (strategy: PositionStrategy, positions: Int32Array) =>
  strategy.embedding!.evaluate(reference, variedParameters(strategy), positions)

export const embeddingChecks: readonly Check[] = [
  {
    name: 'embeds with finite rows of modelDim',
    applies: hasEmbedding,
    run(strategy) {
      const positions = knownPositions(strategy)
      const { shape, data } = rows(strategy, positions)
      const want = [positions.length, strategy.embedding!.modelDim]
      if (`${shape}` !== `${want}`) fail(`an embedding of shape [${want}]`, `[${shape}]`)
      expectFinite('embedding', { shape, data })
    },
  },
  {
    name: 'embeds from an offset as in the long table',
    applies: hasEmbedding,
    run(strategy) {
      const { modelDim } = strategy.embedding!
      const length = Math.min(24, strategy.maxPositions ?? 24)
      const start = Math.floor(length / 2)
      const tail = rows(strategy, positionRange(0, length)).data.slice(start * modelDim)
      expectEqual(
        `the rows from position ${start} on`,
        rows(strategy, positionRange(start, length - start)),
        reference.tensor(tail, [length - start, modelDim]),
      )
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
]
