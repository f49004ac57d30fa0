// Letters: L tokens.
import type { Positions, Rotation } from './strategy.js'
import type { TensorOps } from './tensor-ops.js'

/** What turns a head's features: `x·cos + x[partner]·sin`, all over the full headDim. */
export interface RotationTables {
  /** Row-major [L, headDim]; 1 where a feature passes through. */
  readonly cos: Float64Array
  /** Row-major [L, headDim], with the sign of the feature's side of its pair; 0 where it passes through. */
  readonly sin: Float64Array
  /** The other feature of each feature's pair; itself where it passes through. An involution; [headDim]. */
  readonly partner: Int32Array
}

/**
 * @param side - queries and keys differ where the rotation has magnitudes (xPos)
 */
export function rotationTables(
  rotation: Rotation,
  headDim: number,
  positions: Positions,
  side: 'query' | 'key',
): RotationTables {
  const { rotaryDim, pairing } = rotation
  if (rotaryDim > headDim) {
    throw new RangeError(
      `rotationTables: expected rotaryDim ≤ headDim, got ${rotaryDim} > ${headDim}; make the strategy with a smaller rotaryDim`,
    )
  }
  const half = rotaryDim / 2
  const angles = rotation.angles(positions)
  const magnitudes = rotation.magnitudes?.(positions, side)
  const cos = new Float64Array(positions.length * headDim).fill(1)
  const sin = new Float64Array(positions.length * headDim)
  const partner = Int32Array.from({ length: headDim }, (_, i) => i)
  for (let pair = 0; pair < half; pair++) {
    const [a, b] = pairing === 'half' ? [pair, pair + half] : [2 * pair, 2 * pair + 1]
    partner[a] = b
    partner[b] = a
    for (let row = 0; row < positions.length; row++) {
      const i = row * half + pair
      const m = magnitudes ? magnitudes[i]! : 1
      cos[row * headDim + a] = cos[row * headDim + b] = m * Math.cos(angles[i]!)
      sin[row * headDim + b] = m * Math.sin(angles[i]!)
      sin[row * headDim + a] = -sin[row * headDim + b]!
    }
  }
  return { cos, sin, partner }
}

/**
 * Rotates queries or keys.
 *
 * @param x - shape [..., L, headDim]
 * @returns the shape of `x`
 */
export function rotate<T>(
  ops: TensorOps<T>,
  rotation: Rotation,
  x: T,
  shape: readonly number[],
  positions: Positions,
  side: 'query' | 'key',
): T {
  const headDim = shape.at(-1)!
  const { cos, sin, partner } = rotationTables(rotation, headDim, positions, side)
  const table = (values: Float64Array) => ops.tensor(values, [positions.length, headDim])
  const turned = ops.mul(ops.gather(x, partner, shape.length - 1), table(sin))
  return ops.add(ops.mul(x, table(cos)), turned)
}
