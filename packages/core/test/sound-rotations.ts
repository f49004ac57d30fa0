import type { ConformanceOptions } from '../src/conformance/index.js'
import type { PositionStrategy, Positions } from '../src/index.js'
import { axial, dynamicAngles, make, rotation } from './sound-strategies.js'

/** Angles of each position and pair. */
const turning = (positions: Positions, rates: readonly number[]) =>
  Float64Array.from([...positions].flatMap((p) => rates.map((rate) => p * rate)))

const lengthOf = (positions: Positions) => Math.max(...positions) + 1

/** Rotations that are unusual, without a mistake. */
export const soundRotations: readonly {
  readonly what: string
  readonly strategy: PositionStrategy
  readonly options?: ConformanceOptions
}[] = [
  ...[3, 7, 16, 24, 37].map((width) => ({
    what: `axial positions on a grid ${width} wide, which say so`,
    strategy: axial(width, { relative: false }),
  })),
  {
    what: 'queries scaled by log n, which says that it is not relative',
    strategy: rotation({
      relative: false,
      magnitudes: (positions, side) =>
        Float64Array.from(positions, (p) => (side === 'query' ? Math.max(1, Math.log(p + 1) / Math.log(512)) : 1)),
    }),
    options: {
      magnitude: (position, _pair, side) =>
        side === 'query' ? Math.max(1, Math.log(position + 1) / Math.log(512)) : 1,
    },
  },
  {
    what: 'pairs that do not turn (p-RoPE)',
    strategy: rotation({ rotaryDim: 4, angles: (positions) => turning(positions, [1, 0]) }),
    options: { angle: (position, pair) => (pair ? 0 : position), pairing: 'half' },
  },
  {
    what: 'heads of which half turn',
    strategy: rotation({
      numHeads: 2,
      angles: (positions) => Float64Array.from([...turning(positions, [0.1]), ...turning(positions, [0])]),
    }),
    options: { angle: (position, _pair, head) => (head ? 0 : 0.1 * position), pairing: 'half' },
  },
  {
    what: 'first tokens that turn faster than the others (LongRoPE)',
    strategy: rotation({
      relative: false,
      angles: (positions) => Float64Array.from(positions, (p) => 0.1 * (p < 4 ? p : p / 8)),
    }),
  },
  {
    what: 'factors by the length of the pass, and a magnitude with them (LongRoPE)',
    strategy: rotation({
      cacheable: false,
      angles: (positions, length = lengthOf(positions)) => turning(positions, [length > 512 ? 0.01 : 0.1]),
      magnitudes: (positions, _side, length = lengthOf(positions)) =>
        new Float64Array(positions.length).fill(length > 512 ? 1.2 : 1),
    }),
  },
  {
    what: 'a rotation that looks at how far positions go, and says so',
    strategy: rotation({ cacheable: false, angles: dynamicAngles }),
  },
  {
    what: 'a rate that is trained',
    strategy: make({
      parameters: { rate: { shape: [1, 1, 1], init: { kind: 'constant', value: 0.1 } } },
      rotation: {
        ...rotation({}).rotation,
        trainedAngles: (ops, { rate }, positions) => ops.mul(rate!, ops.tensor(positions, [1, positions.length, 1])),
      },
    }),
  },
]
