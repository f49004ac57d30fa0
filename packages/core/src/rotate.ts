// Letters: L tokens, H heads (1 where all turn alike).
import { checkInteger, checkOneOf, checkOptions, fail, show } from './check.js'
import { checkRotation } from './check-strategy.js'
import type { ParameterValues } from './parameter-spec.js'
import { checkedPositions } from './positions.js'
import { shapeOf } from './score-bias.js'
import type { Positions, Rotation } from './strategy.js'
import { checkOps, type TensorOps } from './tensor-ops.js'

/** What turns a head's features: `x·cos + x[partner]·sin`, all over the full headDim. */
export interface RotationTables {
  /** Row-major [L, headDim], [H, L, headDim] where heads differ; 1 where a feature passes through. */
  readonly cos: Float64Array
  /** As `cos`, with the sign of the feature's side of its pair; 0 where it passes through. */
  readonly sin: Float64Array
  /** The other feature of each feature's pair; itself where it passes through. An involution; [headDim]. */
  readonly partner: Int32Array
}

/**
 * A rotation as tables for {@link rotate}: computed once for the tokens of a pass, in float64.
 *
 * @param positions - integers; [L]
 * @param side - queries and keys differ where the rotation has magnitudes (xPos)
 * @param length - of the pass, for rotations that read it. Default: the last position + 1
 * @returns cosines and sines [L, headDim], or [H, L, headDim] where the rotation has numHeads; and partners [headDim]
 * @throws RangeError or TypeError for what is no rotation, a rotaryDim beyond headDim, positions that are no integers, or
 * hooks that do not return one number a position and pair
 */
export function rotationTables(
  rotation: Rotation,
  headDim: number,
  positions: Positions,
  side: 'query' | 'key',
  length?: number,
): RotationTables {
  const { given, pairs, passed, features } = checkedRotation(rotation, headDim, positions, side, length)
  const { numHeads: H = 1 } = rotation
  const size = [H, given.length, pairs] as const
  const angles = perPair('angles', rotation.angles(given, passed), size)
  const magnitudes = rotation.magnitudes && perPair('magnitudes', rotation.magnitudes(given, side, passed), size)
  const cos = new Float64Array(H * given.length * headDim).fill(1)
  const sin = new Float64Array(H * given.length * headDim)
  angles.forEach((angle, i) => {
    const [first, second] = features[i % pairs]!
    const row = Math.floor(i / pairs) * headDim
    const magnitude = magnitudes?.[i] ?? 1
    cos[row + first] = cos[row + second] = magnitude * Math.cos(angle)
    sin[row + second] = magnitude * Math.sin(angle)
    sin[row + first] = -sin[row + second]!
  })
  return { cos, sin, partner: partnersOf(features, headDim) }
}

/**
 * The same for a rotation whose angles are trained, as tensors.
 *
 * @returns cosines and sines [H, L, headDim], with a first axis of 1 where heads turn alike; and partners [headDim]
 * @throws as {@link rotationTables}, and TypeError for a rotation without trainedAngles
 */
export function trainedRotationTables<T>(
  ops: TensorOps<T>,
  rotation: Rotation,
  parameters: ParameterValues<T>,
  headDim: number,
  positions: Positions,
  side: 'query' | 'key',
): { readonly cos: T; readonly sin: T; readonly partner: Int32Array } {
  const { given, pairs, passed, features } = checkedRotation(rotation, headDim, positions, side, undefined)
  const { trainedAngles, numHeads: H = 1 } = rotation
  if (!trainedAngles) return fail('trainedRotationTables', 'a rotation with trainedAngles', 'one without', TypeError)
  const angles = trainedAngles.call(rotation, ops, parameters, given) as T
  const shape = shapeOf(angles)
  if (shape && `${shape}` !== `${[H, given.length, pairs]}`)
    fail('trainedRotationTables', `angles of shape [${[H, given.length, pairs]}]`, `[${shape}]`)
  // A feature that passes through reads any pair's angle, times 0.
  const pairOf = new Int32Array(headDim)
  const turns = new Float64Array(headDim)
  features.forEach(([first, second], pair) => {
    pairOf[first] = pairOf[second] = pair
    turns[first] = -1
    turns[second] = 1
  })
  const turning = ops.mul(ops.gather(angles, pairOf, 2), ops.tensor(turns, [headDim]))
  const magnitudes =
    rotation.magnitudes && perPair('magnitudes', rotation.magnitudes(given, side, passed), [H, given.length, pairs])
  const wide =
    magnitudes &&
    Float64Array.from({ length: H * given.length * headDim }, (_, i) => {
      const feature = i % headDim
      return turns[feature] ? magnitudes[Math.floor(i / headDim) * pairs + pairOf[feature]!]! : 1
    })
  const scaled = (x: T) => (wide ? ops.mul(x, ops.tensor(wide, [H, given.length, headDim])) : x)
  return { cos: scaled(ops.cos(turning)), sin: scaled(ops.sin(turning)), partner: partnersOf(features, headDim) }
}

function checkedRotation(
  rotation: Rotation,
  headDim: number,
  positions: Positions,
  side: 'query' | 'key',
  length: number | undefined,
) {
  checkRotation('rotationTables', rotation)
  checkInteger('rotationTables', 'headDim', headDim, 1)
  checkOneOf('rotationTables', 'side', side, ['query', 'key'])
  const { rotaryDim, pairing } = rotation
  if (rotaryDim > headDim) fail('rotationTables', `rotaryDim ≤ headDim ${headDim}`, rotaryDim)
  const given = checkedPositions('rotationTables', 'positions', positions)
  const pairs = rotaryDim / 2
  const [step, stride] = pairing === 'half' ? [pairs, 1] : [1, 2]
  const features = Array.from({ length: pairs }, (_, pair) => [pair * stride, pair * stride + step] as const)
  const passed = length ?? given.reduce((last, p) => Math.max(last, p), -1) + 1
  return { given, pairs, features, passed }
}

function partnersOf(features: readonly (readonly [number, number])[], headDim: number): Int32Array {
  const partner = Int32Array.from({ length: headDim }, (_, i) => i)
  for (const [first, second] of features) {
    partner[first] = second
    partner[second] = first
  }
  return partner
}

function perPair(what: string, values: Float64Array, [H, L, pairs]: readonly [number, number, number]): Float64Array {
  if (!ArrayBuffer.isView(values)) fail('rotationTables', `${what} as a Float64Array`, values, TypeError)
  const heads = H === 1 ? '' : `${H}, `
  if (values.length !== H * L * pairs)
    fail('rotationTables', `${H * L * pairs} ${what}, one a position and pair [${heads}${L}, ${pairs}]`, values.length)
  return values
}

/**
 * Rotates queries or keys.
 *
 * @param x - a tensor of `ops`
 * @param shape - of `x`: [..., L, headDim]
 * @param positions - integers; [L]
 * @param side - whether `x` are queries or keys
 * @param options - the strategy's parameters, for angles that are trained; the length of the pass
 * @returns the shape of `x`
 * @throws RangeError or TypeError for what is no rotation or no shape, or another number of positions than tokens or of heads
 */
export function rotate<T>(
  ops: TensorOps<T>,
  rotation: Rotation,
  x: T,
  shape: readonly number[],
  positions: Positions,
  side: 'query' | 'key',
  options: RotateOptions<T> = {},
): T {
  checkOps('rotate', ops)
  checkOptions('rotate', options, ['parameters', 'length'])
  const isShape = Array.isArray(shape) && shape.length >= 2 && shape.every((n) => Number.isInteger(n) && n >= 0)
  if (!isShape) fail('rotate', 'a shape [..., L, headDim]', Array.isArray(shape) ? `[${shape}]` : shape, TypeError)
  const own = shapeOf(x)
  if (own && `${own}` !== `${shape}`) fail('rotate', `x of shape [${shape}]`, `[${own}]`)
  if (!own && (Array.isArray(x) || ArrayBuffer.isView(x)))
    fail('rotate', 'x as a tensor of ops', `${show(x)}; use rotateFeatures, or make it with ops.tensor`, TypeError)
  const [L, headDim] = shape.slice(-2) as [number, number]
  if (positions?.length !== L) fail('rotate', `${L} positions for x of shape [${shape}]`, positions?.length)
  const { numHeads } = rotation
  if (numHeads !== undefined && shape.at(-3) !== numHeads)
    fail('rotate', `x of shape [..., ${numHeads}, L, headDim] for a rotation of ${numHeads} heads`, `[${shape}]`)
  const { cos, sin, partner } = tensorsOf(ops, rotation, headDim, positions, side, options)
  return ops.add(ops.mul(x, cos), ops.mul(ops.gather(x, partner, shape.length - 1), sin))
}

/** What {@link rotate} takes where a rotation reads it. */
export interface RotateOptions<T> {
  /** The strategy's, for trainedAngles. Absent: its `angles` count. */
  readonly parameters?: ParameterValues<T>
  /** The length of the pass. Default: the last position + 1. */
  readonly length?: number
}

function tensorsOf<T>(
  ops: TensorOps<T>,
  rotation: Rotation,
  headDim: number,
  positions: Positions,
  side: 'query' | 'key',
  { parameters, length }: RotateOptions<T>,
): { cos: T; sin: T; partner: Int32Array } {
  if (rotation.trainedAngles && parameters)
    return trainedRotationTables(ops, rotation, parameters, headDim, positions, side)
  const { cos, sin, partner } = rotationTables(rotation, headDim, positions, side, length)
  const { numHeads } = rotation
  const shape = [...(numHeads === undefined ? [] : [numHeads]), positions.length, headDim]
  return { cos: ops.tensor(cos, shape), sin: ops.tensor(sin, shape), partner }
}
