// Letters: L tokens.
import { positionRange } from '../positions.js'
import { type ReferenceTensor, reference } from '../reference.js'
import { rotate } from '../rotate.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import { type Check, expectEqual, expectFinite, fail, knownPositions } from './check.js'

const hasRotation: Check['applies'] = ({ rotation }) => rotation !== undefined

/** Any features of L tokens, two more than rotate; [L, rotaryDim + 2]. */
function features({ rotation }: PositionStrategy, length: number, seed: number): ReferenceTensor {
  const headDim = rotation!.rotaryDim + 2
  const values = Float64Array.from({ length: length * headDim }, (_, i) => Math.sin(1.7 * i + seed))
  return reference.tensor(values, [length, headDim])
}

const turned = (strategy: PositionStrategy, x: ReferenceTensor, positions: Positions, side: 'query' | 'key') =>
  rotate(reference, strategy.rotation!, x, x.shape, positions, side)

export const rotationChecks: readonly Check[] = [
  {
    name: 'rotates by finite angles, one a pair and position',
    applies: hasRotation,
    run(strategy) {
      const { rotaryDim, angles, magnitudes } = strategy.rotation!
      const positions = knownPositions(strategy)
      const check = (what: string, values: Float64Array) => {
        const size = (positions.length * rotaryDim) / 2
        if (values.length !== size) fail(`${size} ${what} for ${positions.length} positions`, `${values.length}`)
        expectFinite(what, { shape: [size], data: values })
      }
      check('angles', angles(positions))
      for (const side of ['query', 'key'] as const) if (magnitudes) check('magnitudes', magnitudes(positions, side))
      const far = features(strategy, 1, 0)
      const moved = turned(strategy, far, Int32Array.of(5), 'query').data
      if (far.data.every((value, i) => value === moved[i])) fail('position 5 to rotate something', 'nothing rotated')
    },
  },
  {
    name: 'rotates so that products depend on the distance alone',
    applies: hasRotation,
    run(strategy) {
      const [q, k] = [features(strategy, 4, 1), features(strategy, 4, 2)]
      const products = (offset: number) => {
        const positions = positionRange(offset, 4)
        const keys = turned(strategy, k, positions, 'key')
        return reference.matmul(turned(strategy, q, positions, 'query'), reference.transpose(keys, [1, 0]))
      }
      expectEqual('the products of rotated queries and keys 1000 tokens on', products(1000), products(0))
    },
  },
  {
    name: 'rotates keys one by one as all at once, if it says they may be cached',
    applies: ({ rotation }) => rotation?.cacheable === true,
    run(strategy) {
      const L = 6
      const x = features(strategy, L, 3)
      const all = turned(strategy, x, positionRange(0, L), 'key')
      const headDim = x.shape[1]!
      const single = Array.from({ length: L }, (_, i) => {
        const row = reference.tensor(x.data.slice(i * headDim, (i + 1) * headDim), [1, headDim])
        return [...turned(strategy, row, Int32Array.of(i), 'key').data]
      })
      expectEqual('keys rotated one by one', reference.tensor(single.flat(), [L, headDim]), all)
    },
  },
]
