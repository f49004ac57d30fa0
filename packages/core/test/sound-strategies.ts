import type { ConformanceOptions } from '../src/conformance/index.js'
import type {
  BiasStrategy,
  Embedding,
  LinearBias,
  PairBias,
  PositionStrategy,
  Positions,
  Rotation,
  RotationStrategy,
  ScoreBias,
} from '../src/index.js'

// What small strategies are made of. The broken ones are made of the same, with one mistake each.

/** As `defineStrategy` does, but what is wrong stays. */
export const make = <Hooks extends Omit<PositionStrategy, 'specVersion' | 'name'>>(
  hooks: Hooks,
): PositionStrategy & Hooks => frozen({ specVersion: 1, name: 'small', ...hooks })

function frozen<T extends object>(value: T): T {
  for (const member of Object.values(value))
    if (typeof member === 'object' && member !== null && !ArrayBuffer.isView(member)) frozen(member)
  return Object.freeze(value)
}

export const table = (...shape: number[]) => ({ shape, init: { kind: 'normal' as const, standardDeviation: 1 } })

/** @throws RangeError, as a table does beyond its end */
export function checkBelow(end: number, values: Int32Array): Int32Array {
  if (values.some((value) => value >= end)) throw new RangeError(`table: expected values below ${end}, got ${values}`)
  return values
}

/** @param row - `i` is the position's place in the call, which must not matter */
export const embedding = (row: (position: number, i: number, all: Positions) => number[]): Embedding => ({
  modelDim: 2,
  evaluate: (ops, _parameters, positions) =>
    ops.tensor(
      Array.from(positions).flatMap((position, i) => row(position, i, positions)),
      [positions.length, 2],
    ),
})

export const wave = (position: number) => [Math.sin(position), Math.cos(position)]

export const learned = (end: number, rowOf: (position: number) => number): PositionStrategy =>
  make({
    maxPositions: end,
    parameters: { rows: table(8, 2) },
    embedding: { modelDim: 2, evaluate: (ops, { rows }, positions) => ops.gather(rows!, positions.map(rowOf), 0) },
  })

export const rotation = (changes: Partial<Rotation>): RotationStrategy =>
  make({
    rotation: {
      rotaryDim: 2,
      pairing: 'half',
      cacheable: true,
      angles: (positions) => Float64Array.from(positions, (p) => p * 0.1),
      ...changes,
    },
  })

/** Dynamic NTK's idea: slower angles once positions go beyond 512. */
export const dynamicAngles = (positions: Positions): Float64Array => {
  const stretch = Math.max(1, (Math.max(...positions) + 1) / 512)
  return Float64Array.from(positions, (p) => (p * 0.1) / stretch)
}

/** A pair of features for the row and one for the column of a grid. */
export const axial = (width: number, changes: Partial<Rotation> = {}): PositionStrategy =>
  rotation({
    rotaryDim: 4,
    angles: (positions) =>
      Float64Array.from([...positions].flatMap((p) => [0.3 * Math.floor(p / width), 0.3 * (p % width)])),
    ...changes,
  })

export const linear = (values: readonly number[]): LinearBias => ({
  kind: 'linear',
  numHeads: values.length,
  slopes: (ops) => ops.tensor(values, [values.length]),
})

export const geometric = (heads: number, from: number) =>
  Array.from({ length: heads }, (_, k) => 2 ** ((-8 * (k + from)) / heads))

export const knownSlopes = (slopes: readonly number[]): ConformanceOptions => ({
  bias: (head, query, key) => -slopes[head]! * (query - key),
})

/** One head's bias as a function of the distance; `i` is its place in the call, which must not matter. */
export const distance = (value: (distance: number, i: number) => number): ScoreBias => ({
  kind: 'distance',
  numHeads: 1,
  evaluate: (ops, _parameters, distances) => ops.tensor(Float64Array.from(distances, value), [1, distances.length]),
})

/** −half the penalty of each pair; `i` and `j` are the pair's place in the call, which must not matter. */
export const pair = (
  penalty: (query: number, key: number, i: number, j: number, queries: Positions, keys: Positions) => number,
): PairBias => ({
  kind: 'pair',
  numHeads: 1,
  evaluate: (ops, _parameters, queries, keys) =>
    ops.tensor(
      Array.from(queries).flatMap((q, i) => Array.from(keys, (k, j) => -0.5 * penalty(q, k, i, j, queries, keys))),
      [1, queries.length, keys.length],
    ),
})

/** A learned bias for each of 8 buckets and 2 heads, as in T5. */
export const bucketed = (bucket: (distance: number) => number, more: Partial<PositionStrategy> = {}): BiasStrategy =>
  make({
    ...more,
    parameters: { table: table(8, 2) },
    bias: {
      kind: 'distance',
      numHeads: 2,
      evaluate: (ops, { table }, distances) => ops.transpose(ops.gather(table!, distances.map(bucket), 0), [1, 0]),
    },
  })

const clampBehind = (distance: number) => Math.min(7, Math.max(0, distance))

/** Strategies without a mistake: the suite must not refuse them. */
export const soundStrategies: readonly {
  readonly what: string
  readonly strategy: PositionStrategy
  readonly options?: ConformanceOptions
}[] = [
  {
    what: 'a fixed embedding',
    strategy: make({ embedding: embedding(wave) }),
    options: { embedding: (position, feature) => wave(position)[feature]! },
  },
  { what: 'a learned table of 8 positions', strategy: learned(8, (p) => checkBelow(8, Int32Array.of(p))[0]!) },
  {
    what: 'a rotation',
    strategy: rotation({}),
    options: { angle: (position) => position * 0.1, pairing: 'half', magnitude: () => 1 },
  },
  {
    what: 'angles modulo 2π: the same rotation',
    strategy: rotation({ angles: (positions) => Float64Array.from(positions, (p) => (p * 0.1) % (2 * Math.PI)) }),
    options: { angle: (position) => position * 0.1, pairing: 'half' },
  },
  {
    what: 'a rotation that ends at 64',
    strategy: make({
      maxPositions: 64,
      rotation: {
        ...rotation({}).rotation,
        angles: (positions) => Float64Array.from(checkBelow(64, positions), (p) => p * 0.1),
      },
    }),
  },
  {
    what: 'magnitudes that cancel, and end where fp32 does',
    strategy: make({
      maxPositions: 50_000,
      rotation: {
        ...rotation({}).rotation,
        angles: (positions) => Float64Array.from(checkBelow(50_000, positions), (p) => p * 0.1),
        magnitudes: (positions, side) => Float64Array.from(positions, (p) => 0.999 ** (side === 'query' ? p : -p)),
      },
    }),
  },
  {
    what: 'hooks that use `this`',
    strategy: rotation({
      angles(this: Rotation, positions) {
        return Float64Array.from(positions, (p) => p / this.rotaryDim)
      },
    }),
  },
  {
    what: 'linear slopes',
    strategy: make({ bias: linear(geometric(8, 1)) }),
    options: knownSlopes(geometric(8, 1)),
  },
  {
    what: 'trained slopes whose logarithms start at −0',
    strategy: make({
      parameters: { logSlopes: { shape: [1], init: { kind: 'constant', value: -0 } } },
      bias: { kind: 'linear', numHeads: 1, slopes: (ops, { logSlopes }) => ops.exp(logSlopes!) },
    }),
  },
  {
    what: 'buckets of distances',
    strategy: bucketed(clampBehind),
    options: { bias: (head, query, key, { table }) => table![2 * clampBehind(query - key) + head]! },
  },
  {
    what: 'one-sided heads, as encoders have them',
    strategy: make({
      bias: {
        kind: 'distance',
        numHeads: 2,
        evaluate: (ops, _parameters, distances) =>
          ops.tensor(
            [
              ...Array.from(distances, (d) => (d < 0 ? -1e30 : -d)),
              ...Array.from(distances, (d) => (d > 0 ? -1e30 : d)),
            ],
            [2, distances.length],
          ),
      },
    }),
  },
  {
    what: 'a table of 8 distances',
    strategy: bucketed((d) => clampBehind(checkBelow(8, Int32Array.of(d))[0]!), { maxPositions: 8 }),
  },
  { what: 'a window, flat within', strategy: make({ bias: distance((d) => (d < 32 ? 0 : -1e4)) }) },
  {
    what: 'a bias of pairs',
    strategy: make({ bias: pair((query, key) => Math.abs(query - key) / (query + 1)) }),
    options: { bias: (_head, query, key) => (-0.5 * (query - key)) / (query + 1) },
  },
  {
    what: 'a bias of one position',
    strategy: make({ maxPositions: 1, bias: pair((q) => checkBelow(1, Int32Array.of(q))[0]!) }),
  },
]
