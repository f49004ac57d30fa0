// Letters: L tokens, H heads (1 where all turn alike).
import { initialParameters } from '../parameters.js'
import { positionRange } from '../positions.js'
import { type ReferenceTensor, reference } from '../reference.js'
import { rotate } from '../rotate.js'
import { sizeOf } from '../size-of.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { Check } from './check.js'
import { type Axis, expectEqual, expectFinite, fail, isExplainedBy } from './expect.js'
import { firstPositions, knownPositions } from './inputs.js'
import { headAxis, whyNotRelative } from './rotation-suspects.js'
import { CONSECUTIVE, FROM_ZERO } from './suspects.js'

const hasRotation: Check['applies'] = ({ rotation }) => rotation !== undefined

/** Any features of L tokens, two more than rotate; [H, L, rotaryDim + 2]. */
function features({ rotation }: PositionStrategy, length: number, seed: number): ReferenceTensor {
  const shape = [rotation!.numHeads ?? 1, length, rotation!.rotaryDim + 2]
  return reference.tensor(
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(1.7 * i + seed)),
    shape,
  )
}

/** Some of the tokens. */
const tokensOf = (x: ReferenceTensor, places: Int32Array) => reference.gather(x, places, 1)

const turned = (strategy: PositionStrategy, x: ReferenceTensor, positions: Positions, side: 'query' | 'key') =>
  rotate(reference, strategy.rotation!, x, x.shape, positions, side)

/** q·kᵀ after both are rotated; [H, Q, K]. */
const products = (
  strategy: PositionStrategy,
  [q, queries]: readonly [ReferenceTensor, Positions],
  [k, keys]: readonly [ReferenceTensor, Positions],
) =>
  reference.matmul(
    turned(strategy, q, queries, 'query'),
    reference.transpose(turned(strategy, k, keys, 'key'), [0, 2, 1]),
  )

const angleAxes = (strategy: PositionStrategy, positions: Positions): Axis[] => [
  headAxis(strategy),
  ['position', positions],
  ['pair'],
]
const productAxes = (strategy: PositionStrategy, queries: Positions, keys: Positions): Axis[] => [
  headAxis(strategy),
  ['query', queries],
  ['key', keys],
]

export const rotationChecks: readonly Check[] = [
  {
    name: 'rotates by finite angles, one a pair and position',
    applies: hasRotation,
    run(strategy) {
      const rotation = strategy.rotation!
      const positions = knownPositions(strategy)
      const check = (what: string, values: Float64Array) => {
        const shape = [rotation.numHeads ?? 1, positions.length, rotation.rotaryDim / 2]
        const size = sizeOf(shape)
        if (values.length !== size) fail(`${size} ${what} for ${positions.length} positions`, `${values.length}`)
        expectFinite(what, { shape, data: values }, angleAxes(strategy, positions))
      }
      check('angles', rotation.angles(positions))
      for (const side of ['query', 'key'] as const)
        if (rotation.magnitudes) check('magnitudes', rotation.magnitudes(positions, side))
      const x = features(strategy, positions.length, 0)
      const moved = turned(strategy, x, positions, 'query').data
      if (x.data.every((value, i) => value === moved[i])) fail('some position to rotate something', 'nothing rotated')
    },
  },
  {
    // In one call: angles may depend on how far the positions go, as in dynamic NTK.
    name: 'rotates so that products depend on the distance alone',
    applies: ({ rotation }) => rotation !== undefined && rotation.relative !== false,
    run(strategy) {
      const near = firstPositions(strategy, 4)
      const L = near.length
      const last = (strategy.maxPositions ?? Number.POSITIVE_INFINITY) - L
      // All near ones: positions on a grid repeat after a row, and differ where one crosses its end.
      const steps = [...Array.from({ length: 65 }, (_, i) => i), 1000, 4099]
      const offsets = [...new Set(steps.map((offset) => Math.min(offset, last)))]
      const positions = Int32Array.from(offsets.flatMap((offset) => [...near].map((p) => p + offset)))
      const same = Int32Array.from(offsets.flatMap(() => [...near]))
      const [q, k] = [1, 2].map((seed) => tokensOf(features(strategy, L, seed), same))
      const blocks = (of: PositionStrategy) => {
        const queries = turned(of, q!, positions, 'query')
        const keys = turned(of, k!, positions, 'key')
        return offsets.map((_, i) => {
          const at = positionRange(i * L, L)
          return reference.matmul(tokensOf(queries, at), reference.transpose(tokensOf(keys, at), [0, 2, 1]))
        })
      }
      const [want, ...others] = blocks(strategy)
      others.forEach((got, i) => {
        const offset = offsets[i + 1]!
        const far = near.map((p) => p + offset)
        expectEqual(got, {
          what: `products of rotated queries and keys that are the same ${offset} tokens on`,
          want: want!,
          axes: productAxes(strategy, far, far),
          otherwise: () => whyNotRelative(strategy, want!, got, (of) => [blocks(of)[0]!, blocks(of)[i + 1]!]),
        })
      })
    },
  },
  {
    name: 'rotates a decoding step as the last row of the whole',
    applies: hasRotation,
    run(strategy) {
      const positions = firstPositions(strategy, 6)
      const last = positions.subarray(-1)
      const place = Int32Array.of(positions.length - 1)
      const [q, k] = [features(strategy, positions.length, 1), features(strategy, positions.length, 2)]
      const whole = products(strategy, [q, positions], [k, positions])
      const step = products(strategy, [tokensOf(q, place), last], [k, positions])
      expectEqual(step, {
        what: 'the products of a decoding step as in the whole',
        want: reference.gather(whole, place, 1),
        axes: productAxes(strategy, last, positions),
        suspects: [
          {
            mistake: FROM_ZERO,
            values: () => products(strategy, [tokensOf(q, place), Int32Array.of(0)], [k, positions]).data,
          },
        ],
      })
    },
  },
  {
    name: 'rotates keys one by one as all at once, if it says they may be cached',
    applies: ({ rotation }) => rotation?.cacheable === true,
    run(strategy) {
      // Far ones too: scaling often sets in at a length.
      const positions = knownPositions(strategy)
      const x = features(strategy, positions.length, 3)
      const [H, L, headDim] = x.shape as readonly [number, number, number]
      const single = Array.from(positions, (position, i) =>
        turned(strategy, tokensOf(x, Int32Array.of(i)), Int32Array.of(position), 'key'),
      )
      const joined = Array.from({ length: H }, (_, head) =>
        single.map(({ data }) => [...data.subarray(head * headDim, (head + 1) * headDim)]),
      ).flat(2)
      const want = turned(strategy, x, positions, 'key')
      const asIfConsecutive = positionRange(positions[0]!, L)
      expectEqual(reference.tensor(joined, x.shape), {
        what: 'keys rotated one by one as all at once',
        want,
        axes: [headAxis(strategy), ['position', positions], ['feature']],
        otherwise: () =>
          isExplainedBy(want.data, { mistake: '', values: () => turned(strategy, x, asIfConsecutive, 'key').data })
            ? CONSECUTIVE
            : 'the angles look at the other positions of the call, as dynamic scaling does: say cacheable: false',
      })
    },
  },
  {
    name: 'turns by its angles where their training starts',
    applies: ({ rotation }) => rotation?.trainedAngles !== undefined,
    run(strategy) {
      const rotation = strategy.rotation!
      const positions = knownPositions(strategy)
      const start = initialParameters(reference, strategy.parameters)
      const shape = [rotation.numHeads ?? 1, positions.length, rotation.rotaryDim / 2]
      const got = rotation.trainedAngles!(reference, start, positions)
      expectEqual(got, {
        what: 'trained angles at the starting parameters as rotation.angles',
        want: reference.tensor(rotation.angles(positions), shape),
        axes: angleAxes(strategy, positions),
      })
    },
  },
]
