// A second implementation of the formula, which the strategy must equal. H heads, Q/K queries/keys, L tokens, D modelDim.
import { initialParameters, type ParameterValues } from '../parameters.js'
import { type ReferenceTensor, reference } from '../reference.js'
import { scoreBias } from '../score-bias.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { Check, ConformanceOptions } from './check.js'
import { type Axis, expectEqual, fail } from './expect.js'
import { isKnown, knownPositions, plain, variedParameters } from './inputs.js'
import { type Angle, headAxis, knownAngleSuspects } from './rotation-suspects.js'
import { knownBiasSuspects } from './suspects.js'

/** All near distances, and far ones where tables, clips and scalings change. */
// biome-ignore format: a table
const DISTANCES = [
  ...Array.from({ length: 65 }, (_, i) => i), 127, 128, 129, 255, 256, 257, 511, 512, 513, 1000, 1023, 1024, 1025, 2047,
  2048, 2049, 4095, 4096, 4097, 8191, 16_383,
]
/** Where a bias of pairs is asked besides the last position. */
const QUERIES = [0, 1, 2, 7, 23, 64, 65, 1000, 1023, 4097]

/** The parameters that formulas are compared at. */
const sets = (strategy: PositionStrategy): readonly (readonly [when: string, ParameterValues<ReferenceTensor>])[] => [
  ['at the starting parameters', initialParameters(reference, strategy.parameters)],
  ...(strategy.parameters ? [['at other parameters', variedParameters(strategy)] as const] : []),
]

export const knownChecks: readonly Check[] = [
  {
    name: 'has the bias it is known to have',
    applies: ({ bias }, options) => bias !== undefined && options.bias !== undefined,
    run(strategy, options) {
      const distances = DISTANCES.filter((d) => isKnown(strategy, d))
      const others = strategy.bias!.kind === 'pair' ? QUERIES.filter((p) => isKnown(strategy, p)) : []
      for (const set of sets(strategy))
        for (const query of [distances.at(-1)!, ...others])
          expectBias(
            strategy,
            options.bias!,
            query,
            distances.filter((d) => d <= query),
            set,
          )
    },
  },
  {
    name: 'has the embedding it is known to have',
    applies: ({ embedding }, options) => embedding !== undefined && options.embedding !== undefined,
    run(strategy, options) {
      const embedding = strategy.embedding!
      const positions = knownPositions(strategy)
      const D = embedding.modelDim
      for (const [when, parameters] of sets(strategy)) {
        const known = (p: number, i: number) => options.embedding!(p, i, plain(parameters))
        const table = (value: (position: number, feature: number) => number) =>
          Array.from(positions).flatMap((p) => Array.from({ length: D }, (_, i) => value(p, i)))
        expectEqual(embedding.evaluate(reference, parameters, positions), {
          what: `the known embedding ${when}`,
          want: reference.tensor(table(known), [positions.length, D]),
          axes: [['position', positions], ['feature']],
          suspects: knownEmbeddingSuspects(D, known).map(({ mistake, value }) => ({
            mistake,
            values: () => table(value),
          })),
        })
      }
    },
  },
  {
    name: 'turns by the angles it is known to turn by',
    applies: ({ rotation }, options) => rotation !== undefined && options.angle !== undefined,
    run(strategy, options) {
      const { rotaryDim, numHeads: H = 1 } = strategy.rotation!
      const pairs = rotaryDim / 2
      const positions = knownPositions(strategy)
      const known = options.angle!
      // An angle and the same plus 2π are one rotation.
      const table = (angle: Angle) =>
        everyAngle(H, positions, pairs, angle).flatMap((radians) => [Math.cos(radians), Math.sin(radians)])
      const shape = [H, positions.length, pairs, 2]
      const angles = strategy.rotation!.angles(positions)
      const got = Array.from(angles).flatMap((angle) => [Math.cos(angle), Math.sin(angle)])
      expectEqual(reference.tensor(got, shape), {
        what: 'the known angles',
        want: reference.tensor(table(known), shape),
        axes: [headAxis(strategy), ['position', positions], ['pair'], ['its', ['cosine', 'sine']]],
        suspects: knownAngleSuspects(angles, pairs, positions, known, table),
      })
    },
  },
  {
    name: 'turns the pairs of features it is known to turn',
    applies: ({ rotation }, options) => rotation !== undefined && options.pairing !== undefined,
    run({ rotation }, { pairing }) {
      if (rotation!.rotaryDim > 2 && rotation!.pairing !== pairing)
        fail(`pairing ${pairing}`, `${rotation!.pairing}; weights that were trained with one do not fit the other`)
    },
  },
  {
    name: 'has the magnitudes it is known to have',
    applies: ({ rotation }, options) => rotation !== undefined && options.magnitude !== undefined,
    run(strategy, options) {
      const rotation = strategy.rotation!
      const { numHeads: H = 1 } = rotation
      const pairs = rotation.rotaryDim / 2
      const positions = knownPositions(strategy)
      const shape = [H, positions.length, pairs]
      for (const side of ['query', 'key'] as const) {
        const table = (other: 'query' | 'key') =>
          everyAngle(H, positions, pairs, (p, i) => options.magnitude!(p, i, other))
        const got = rotation.magnitudes?.(positions, side) ?? new Float64Array(H * positions.length * pairs).fill(1)
        expectEqual(reference.tensor(got, shape), {
          what: `the known magnitudes of a ${side}`,
          want: reference.tensor(table(side), shape),
          axes: [headAxis(strategy), ['position', positions], ['pair']],
          suspects: [
            { mistake: 'queries and keys are swapped', values: () => table(side === 'query' ? 'key' : 'query') },
            { mistake: 'there are none: rotation.magnitudes is left out', values: () => got.map(() => 1) },
          ],
        })
      }
    },
  },
]

/** Row-major [H, L, pairs]. */
const everyAngle = (H: number, positions: Positions, pairs: number, angle: Angle): number[] =>
  Array.from({ length: H }, (_, head) =>
    Array.from(positions, (p) => Array.from({ length: pairs }, (_, i) => angle(p, i, head))),
  ).flat(2)

/** Compares one query's bias of keys at these distances behind it. */
function expectBias(
  { bias }: PositionStrategy,
  formula: NonNullable<ConformanceOptions['bias']>,
  query: number,
  distances: readonly number[],
  [when, parameters]: readonly [when: string, ParameterValues<ReferenceTensor>],
): void {
  const keys: Positions = Int32Array.from(distances, (distance) => query - distance)
  const numbers = plain(parameters)
  const known = (head: number, distance: number) => formula(head, query, query - distance, numbers)
  const want = Array.from({ length: bias!.numHeads }, (_, head) => distances.map((d) => known(head, d)))
  const got = scoreBias(reference, bias!, parameters, Int32Array.of(query), keys)
  const axes: Axis[] = [['head'], ['query', [query]], ['distance', distances]]
  expectEqual(got, {
    what: `the known bias ${when}`,
    want: reference.tensor(want.flat(), [bias!.numHeads, 1, distances.length]),
    axes,
    suspects: knownBiasSuspects(got, distances, known),
  })
}

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
