// Letters: L tokens.
import { fail } from './check.js'
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
 * A rotation as tables for {@link rotate}: computed once for the tokens of a pass, in float64.
 *
 * @param side - queries and keys differ where the rotation has magnitudes (xPos)
 * @returns cosines and sines [L, headDim], and partners [headDim]
 * @throws RangeError for a rotaryDim beyond headDim
 */
export function rotationTables(
  rotation: Rotation,
  headDim: number,
  positions: Positions,
  side: 'query' | 'key',
): RotationTables {
  const { rotaryDim, pairing } = rotation
  if (rotaryDim > headDim) fail('rotationTables', `rotaryDim ≤ headDim ${headDim}`, rotaryDim)
  const half = rotaryDim / 2
  const angles = rotation.angles(positions)
  const magnitudes = rotation.magnitudes?.(positions, side)
  const [step, stride] = pairing === 'half' ? [half, 1] : [1, 2]
  const partner = Int32Array.from({ length: headDim }, (_, i) => i)
  const cos = new Float64Array(positions.length * headDim).fill(1)
  const sin = new Float64Array(positions.length * headDim)
  angles.forEach((angle, i) => {
    const first = (i % half) * stride
    const second = first + step
    partner[first] = second
    partner[second] = first
    const row = Math.floor(i / half) * headDim
    const magnitude = magnitudes?.[i] ?? 1
    cos[row + first] = cos[row + second] = magnitude * Math.cos(angle)
    sin[row + second] = magnitude * Math.sin(angle)
    sin[row + first] = -sin[row + second]!
  })
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
