// Letters: H heads, N distances.
import { positionRange } from '../positions.js'
import { type ReferenceTensor, reference } from '../reference.js'
import type { PositionStrategy } from '../strategy.js'
import type { Check } from './check.js'
import { type Axis, expectEqual, expectFinite, fail } from './expect.js'
import { bothWays, isKnown, knownPositions, variedParameters } from './inputs.js'

/** The terms' vectors of some distances, by the name of the hook that makes them. */
function vectors(strategy: PositionStrategy, distances: Int32Array): Readonly<Record<string, ReferenceTensor>> {
  const terms = strategy.terms!
  const parameters = variedParameters(strategy)
  return {
    ...(terms.queryVectors && { queryVectors: terms.queryVectors(reference, parameters, distances) }),
    ...(terms.keyVectors && { keyVectors: terms.keyVectors(reference, parameters, distances) }),
  }
}

const hasVectors: Check['applies'] = ({ terms }) => (terms?.queryVectors ?? terms?.keyVectors) !== undefined
const axes = (distances: Int32Array): readonly Axis[] => [['head'], ['distance', distances], ['feature']]

export const termsChecks: readonly Check[] = [
  {
    name: 'has finite vectors of every distance, one a head or one for all',
    applies: ({ terms }) => terms !== undefined,
    run(strategy) {
      const terms = strategy.terms!
      const { numHeads, headDim } = terms
      const known = knownPositions(strategy)
      const distances = bothWays(known)
      for (const [name, value] of Object.entries(vectors(strategy, distances))) {
        const N = distances.length
        const want = [numHeads, 1].map((heads) => [heads, N, headDim])
        if (!want.some((shape) => `${shape}` === `${value.shape}`))
          fail(
            `${name} of shape [${want[0]}] or [${want[1]}]`,
            `[${value.shape}]${value.shape.length === 2 ? '; likely mistake: the axis of heads is missing: reshape' : ''}`,
          )
        expectFinite(`values of ${name}`, value, axes(distances))
      }
      const added = terms.queryBias?.(reference, variedParameters(strategy))
      if (added && `${added.shape}` !== `${[numHeads, headDim]}`)
        fail(`queryBias of shape [${[numHeads, headDim]}]`, `[${added.shape}]`)
      if (added) expectFinite('values of queryBias', added, [['head'], ['feature']])
    },
  },
  {
    name: 'has the vectors of a distance whatever the others with it',
    applies: hasVectors,
    run(strategy) {
      const distances = Int32Array.of(9, 0, -3, 9, 4, 1).filter((d) => isKnown(strategy, Math.abs(d)))
      const [forwards, backwards] = [vectors(strategy, distances), vectors(strategy, distances.toReversed())]
      const reversed = positionRange(0, distances.length).reverse()
      for (const [name, value] of Object.entries(backwards))
        expectEqual(value, {
          what: `${name} of distances in reverse, each as before`,
          want: reference.gather(forwards[name]!, reversed, 1),
          axes: axes(distances.toReversed()),
          suspects: [
            { mistake: 'the place in the list is read instead of the distance', values: () => forwards[name]!.data },
          ],
        })
    },
  },
  {
    name: 'tells distances behind apart by some vector',
    applies: hasVectors,
    run(strategy) {
      const isFlat = (distances: Int32Array) =>
        Object.values(vectors(strategy, distances)).every(({ data, shape: [, N, width] }) =>
          data.every((value, i) => value === data[Math.floor(i / (N! * width!)) * N! * width! + (i % width!)]),
        )
      const behind = positionRange(0, 9).filter((d) => isKnown(strategy, d))
      if (!isFlat(behind)) return
      fail(
        'vectors that differ between distances behind',
        `one for all; likely mistake: ${
          isFlat(behind.map((d) => -d))
            ? 'the distance is not read'
            : 'the sign of the distance is flipped: query − key is positive behind'
        }`,
      )
    },
  },
]
