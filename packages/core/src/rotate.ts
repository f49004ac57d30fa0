// Letters: L tokens.
import { checkInteger, checkOneOf, fail, show } from './check.js'
import { checkRotation } from './check-strategy.js'
import { checkedPositions } from './positions.js'
import { shapeOf } from './score-bias.js'
import type { Positions, Rotation } from './strategy.js'
import { checkOps, type TensorOps } from './tensor-ops.js'

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
 * @param positions - integers; [L]
 * @param side - queries and keys differ where the rotation has magnitudes (xPos)
 * @returns cosines and sines [L, headDim], and partners [headDim]
 * @throws RangeError or TypeError for what is no rotation, a rotaryDim beyond headDim, positions that are no integers, or
 * hooks that do not return one number a position and pair
 */
export function rotationTables(
  rotation: Rotation,
  headDim: number,
  positions: Positions,
  side: 'query' | 'key',
): RotationTables {
  checkRotation('rotationTables', rotation)
  checkInteger('rotationTables', 'headDim', headDim, 1)
  checkOneOf('rotationTables', 'side', side, ['query', 'key'])
  const { rotaryDim, pairing } = rotation
  if (rotaryDim > headDim) fail('rotationTables', `rotaryDim ≤ headDim ${headDim}`, rotaryDim)
  const given = checkedPositions('rotationTables', 'positions', positions)
  const half = rotaryDim / 2
  const angles = perPair('angles', rotation.angles(given), given.length, half)
  const magnitudes = rotation.magnitudes && perPair('magnitudes', rotation.magnitudes(given, side), given.length, half)
  const [step, stride] = pairing === 'half' ? [half, 1] : [1, 2]
  const partner = Int32Array.from({ length: headDim }, (_, i) => i)
  const cos = new Float64Array(given.length * headDim).fill(1)
  const sin = new Float64Array(given.length * headDim)
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

function perPair(what: string, values: Float64Array, length: number, pairs: number): Float64Array {
  if (!ArrayBuffer.isView(values)) fail('rotationTables', `${what} as a Float64Array`, values, TypeError)
  if (values.length !== length * pairs)
    fail('rotationTables', `${length * pairs} ${what}, one a position and pair [${length}, ${pairs}]`, values.length)
  return values
}

/**
 * Rotates queries or keys.
 *
 * @param x - a tensor of `ops`
 * @param shape - of `x`: [..., L, headDim]
 * @param positions - integers; [L]
 * @param side - whether `x` are queries or keys
 * @returns the shape of `x`
 * @throws RangeError or TypeError for what is no rotation or no shape, or another number of positions than tokens
 */
export function rotate<T>(
  ops: TensorOps<T>,
  rotation: Rotation,
  x: T,
  shape: readonly number[],
  positions: Positions,
  side: 'query' | 'key',
): T {
  checkOps('rotate', ops)
  const isShape = Array.isArray(shape) && shape.length >= 2 && shape.every((n) => Number.isInteger(n) && n >= 0)
  if (!isShape) fail('rotate', 'a shape [..., L, headDim]', Array.isArray(shape) ? `[${shape}]` : shape, TypeError)
  const own = shapeOf(x)
  if (own && `${own}` !== `${shape}`) fail('rotate', `x of shape [${shape}]`, `[${own}]`)
  if (!own && (Array.isArray(x) || ArrayBuffer.isView(x)))
    fail('rotate', 'x as a tensor of ops', `${show(x)}; use rotateFeatures, or make it with ops.tensor`, TypeError)
  const [L, headDim] = shape.slice(-2) as [number, number]
  if (positions?.length !== L) fail('rotate', `${L} positions for x of shape [${shape}]`, positions?.length)
  const { cos, sin, partner } = rotationTables(rotation, headDim, positions, side)
  const table = (values: Float64Array) => ops.tensor(values, [positions.length, headDim])
  const turned = ops.mul(ops.gather(x, partner, shape.length - 1), table(sin))
  return ops.add(ops.mul(x, table(cos)), turned)
}
