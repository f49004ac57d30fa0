import type { ConformanceOptions } from '../src/conformance/index.js'
import type { Embedding, LinearBias, PairBias, PositionStrategy, Rotation, TensorOps } from '../src/index.js'

/** A strategy with one mistake, and the case that must find it. */
export interface Broken {
  readonly mistake: string
  readonly caughtBy: string
  readonly strategy: PositionStrategy
  readonly options?: ConformanceOptions
}

const make = (hooks: Omit<PositionStrategy, 'specVersion' | 'name'>): PositionStrategy =>
  Object.freeze({ specVersion: 1, name: 'broken', ...hooks })

const table = (shape: number[]) => ({ shape, init: { kind: 'normal' as const, standardDeviation: 1 } })

// ALiBi ---------------------------------------------------------------------------------------------------------------

const linear = (values: readonly number[]): LinearBias => ({
  kind: 'linear',
  numHeads: values.length,
  slopes: (ops) => ops.tensor(values, [values.length]),
})
const geometric = (heads: number, from: number) =>
  Array.from({ length: heads }, (_, k) => 2 ** ((-8 * (k + from)) / heads))
/** The authors' slopes for 12 heads (paper, §3, and their get_slopes). */
const twelve = [...geometric(8, 1), ...[1, 3, 5, 7].map((k) => 2 ** (-k / 2))]
const knownSlopes = (slopes: readonly number[]): ConformanceOptions => ({
  bias: (head, distance) => -slopes[head]! * distance,
})

/** −slope·distance for pairs, with the positions as some other code would have them. */
const pair = (
  penalty: (query: number, key: number, i: number, j: number, Q: number, K: number) => number,
): PairBias => ({
  kind: 'pair',
  numHeads: 1,
  evaluate: (ops, _parameters, queries, keys) =>
    ops.tensor(
      Array.from(queries).flatMap((q, i) =>
        Array.from(keys, (k, j) => -0.5 * penalty(q, k, i, j, queries.length, keys.length)),
      ),
      [1, queries.length, keys.length],
    ),
})

// T5 ------------------------------------------------------------------------------------------------------------------

const bucketed = (bucket: (distance: number) => number): PositionStrategy =>
  make({
    parameters: { table: table([8, 2]) },
    bias: {
      kind: 'distance',
      numHeads: 2,
      evaluate: (ops, { table }, distances) => ops.transpose(ops.gather(table!, distances.map(bucket), 0), [1, 0]),
    },
  })

// Embeddings ----------------------------------------------------------------------------------------------------------

const embedding = (row: (position: number, i: number) => number[]): Embedding => ({
  modelDim: 2,
  evaluate: (ops, _parameters, positions) => ops.tensor(Array.from(positions).flatMap(row), [positions.length, 2]),
})
const wave = (position: number) => [Math.sin(position), Math.cos(position)]
const learnedRows = <T>(ops: TensorOps<T>, rows: T, positions: Int32Array) => ops.gather(rows, positions, 0)

// Rotations -----------------------------------------------------------------------------------------------------------

const rotation = (changes: Partial<Rotation>): PositionStrategy =>
  make({
    rotation: {
      rotaryDim: 2,
      pairing: 'half',
      cacheable: true,
      angles: (positions) => Float64Array.from(positions, (p) => p * 0.1),
      ...changes,
    },
  })

let calls = 0

export const brokenStrategies: readonly Broken[] = [
  {
    mistake: 'another version of the interface',
    caughtBy: 'declares itself as the interface asks',
    strategy: Object.freeze({ specVersion: 2 as 1, name: 'broken' }),
  },
  {
    mistake: 'odd rotaryDim',
    caughtBy: 'declares itself as the interface asks',
    strategy: rotation({ rotaryDim: 3 }),
  },
  {
    mistake: 'can be changed after it was made',
    caughtBy: 'is frozen',
    strategy: { specVersion: 1, name: 'broken', bias: linear([0.5]) },
  },
  {
    mistake: 'shifts its positions in place',
    caughtBy: 'computes the same from the same, and leaves its arguments alone',
    strategy: make({
      embedding: {
        modelDim: 2,
        evaluate(ops, _parameters, positions) {
          positions.forEach((p, i) => {
            positions[i] = p + 2
          })
          return ops.tensor(Array.from(positions).flatMap(wave), [positions.length, 2])
        },
      },
    }),
  },
  {
    mistake: 'counts its calls',
    caughtBy: 'computes the same from the same, and leaves its arguments alone',
    strategy: make({ embedding: embedding((p) => [p, calls++]) }),
  },
  {
    mistake: 'clamps past the end of its table',
    caughtBy: 'throws for positions from maxPositions on, and not before',
    strategy: make({
      maxPositions: 8,
      parameters: { rows: table([8, 2]) },
      embedding: {
        modelDim: 2,
        evaluate: (ops, { rows }, positions) =>
          learnedRows(
            ops,
            rows!,
            positions.map((p) => Math.min(p, 7)),
          ),
      },
    }),
  },
  {
    mistake: 'a start that JSON changes',
    caughtBy: 'declares parameters that survive JSON and start finite',
    strategy: make({
      parameters: { slopes: { shape: [1], init: { kind: 'values', values: Float64Array.of(1) as never } } },
      bias: { kind: 'linear', numHeads: 1, slopes: (_ops, { slopes }) => slopes! },
    }),
  },
  {
    mistake: 'a parameter that is never read',
    caughtBy: 'reads every parameter',
    strategy: make({ parameters: { unused: table([4]) }, bias: linear([0.5]) }),
  },
  {
    mistake: 'a parameter read on the host, where no gradient reaches it',
    caughtBy: 'trains every parameter',
    strategy: make({
      parameters: { scale: table([1]) },
      bias: {
        kind: 'linear',
        numHeads: 1,
        slopes: (ops, { scale }) => ops.tensor([(scale as { data?: number[] }).data?.[0] ?? 1], [1]),
      },
    }),
    options: {
      // A backend whose gradients are those of the strategy above: none.
      differentiable: { ops: {} as TensorOps<unknown>, gradients: () => ({ scale: [0] }) },
    },
  },
  {
    mistake: 'rows of another width',
    caughtBy: 'embeds with finite rows of modelDim',
    strategy: make({ embedding: { ...embedding(wave), modelDim: 4 } }),
  },
  {
    mistake: 'overflows far away',
    caughtBy: 'embeds with finite rows of modelDim',
    strategy: make({ embedding: embedding((p) => [Math.exp(p), p]) }),
  },
  {
    mistake: 'ignores the offset: counts from 0 in every call',
    caughtBy: 'embeds from an offset as in the long table',
    strategy: make({ embedding: embedding((_p, i) => wave(i)) }),
  },
  {
    mistake: 'one row for all positions',
    caughtBy: 'embeds different positions differently',
    strategy: make({ embedding: embedding(() => [1, 2]) }),
  },
  {
    mistake: 'an angle too few',
    caughtBy: 'rotates by finite angles, one a pair and position',
    strategy: rotation({ angles: (positions) => new Float64Array(positions.length - 1) }),
  },
  {
    mistake: 'rotates nothing',
    caughtBy: 'rotates by finite angles, one a pair and position',
    strategy: rotation({ angles: (positions) => new Float64Array(positions.length) }),
  },
  {
    mistake: 'magnitudes that do not cancel',
    caughtBy: 'rotates so that products depend on the distance alone',
    strategy: rotation({ magnitudes: (positions) => Float64Array.from(positions, (p) => 0.999 ** p) }),
  },
  {
    mistake: 'angles of the square of the position',
    caughtBy: 'rotates so that products depend on the distance alone',
    strategy: rotation({ angles: (positions) => Float64Array.from(positions, (p) => 0.01 * p * p) }),
  },
  {
    mistake: 'dynamic scaling that says its keys may be cached',
    caughtBy: 'rotates keys one by one as all at once, if it says they may be cached',
    strategy: rotation({ angles: (positions) => Float64Array.from(positions, (p) => p / positions.length) }),
  },
  {
    mistake: 'a bias without heads',
    caughtBy: 'biases scores by finite values of shape [numHeads, queries, keys]',
    strategy: make({ bias: { ...pair((q, k) => Math.abs(q - k)), numHeads: 2 } }),
  },
  {
    mistake: 'distances counted within the tile',
    caughtBy: 'biases a tile as the whole matrix does',
    strategy: make({ bias: pair((_q, _k, i, j) => Math.abs(i - j)) }),
  },
  {
    mistake: 'the offset ignored in decoding: the query counted from 0',
    caughtBy: 'biases a decoding step as the last row of the whole',
    strategy: make({ bias: pair((q, k, i, _j, Q) => Math.abs((Q === 1 ? i : q) - k)) }),
  },
  {
    mistake: 'a distance bias that looks at its list: the column form',
    caughtBy: 'biases a distance whatever the others with it',
    strategy: make({
      bias: {
        kind: 'distance',
        numHeads: 1,
        evaluate: (ops, _parameters, distances) =>
          ops.tensor(
            Array.from(distances, (_, i) => 0.5 * i),
            [1, distances.length],
          ),
      },
    }),
  },
  {
    mistake: 'T5 with its sign flipped: all that is behind in bucket 0',
    caughtBy: 'tells distances behind apart',
    strategy: bucketed((distance) => Math.min(7, Math.max(0, -distance))),
  },
  {
    mistake: 'the wrong sign: distance is rewarded',
    caughtBy: 'has slopes that penalise distance',
    strategy: make({ bias: linear(geometric(8, 1).map((slope) => -slope)) }),
  },
  {
    mistake: 'slopes off by one: the first head has slope 1',
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear(geometric(8, 0)) }),
    options: knownSlopes(geometric(8, 1)),
  },
  {
    mistake: 'plain geometric slopes for 12 heads',
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear(geometric(12, 1)) }),
    options: knownSlopes(twelve),
  },
  {
    mistake: 'a bias scaled by 1/√headDim with the scores',
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear(geometric(8, 1).map((slope) => slope / 8)) }),
    options: knownSlopes(geometric(8, 1)),
  },
]
