// How a chain does TensorFlow's operations and ours, where they are small. Shapes are as recorded.
import { ABSENT, type ChainProgram, type Does, type Place } from './chain-program.js'
import type { Signature } from './record.js'

/** An operand of an operation. */
export interface Operand extends Signature {
  readonly place: Place
  /** Its numbers, where it is a constant. */
  readonly constant: () => readonly number[] | undefined
}

/** One operation to do. */
export interface SmallOp {
  readonly inputs: readonly Operand[]
  readonly outputs: readonly Signature[]
  readonly attributes: ReadonlyMap<string, unknown>
  readonly program: ChainProgram
}

/** Adds what an operation does to a program; undefined, with nothing added, where the program cannot do it. */
type Translate = (op: SmallOp) => readonly Place[] | undefined

/** Numbers of a result, and multiplications of a product, up to which an operation is small. */
const SMALL = 1 << 16
const SMALL_PRODUCT = 1 << 24
const [FLOAT, INTEGER] = [1, 3]

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)
const isSmall = ({ shape }: Signature) => sizeOf(shape) <= SMALL
const isFloat = ({ dtype }: Signature) => dtype === FLOAT
const moved = ({ slot, offset }: Place, by: number): Place => ({ slot, offset: offset + by })

/** Floats between neighbours along each axis of a contiguous array. */
const stridesOf = (shape: readonly number[]) => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)))

/**
 * Several walks over the same axes with as few axes as they need: those of size 1 go, and neighbours become one where every walk goes
 * on from one to the next.
 *
 * @returns rank, sizes, and the strides of each walk
 */
function axesOf(shape: readonly number[], walks: readonly (readonly number[])[]): number[] {
  const sizes: number[] = []
  const strides = walks.map((): number[] => [])
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue
    const goesOn = sizes.length && walks.every((walk, w) => strides[w]!.at(-1) === walk[axis]! * size)
    if (goesOn) {
      sizes[sizes.length - 1]! *= size
      for (const [w, walk] of walks.entries()) strides[w]![sizes.length - 1] = walk[axis]!
    } else {
      sizes.push(size)
      for (const [w, walk] of walks.entries()) strides[w]!.push(walk[axis]!)
    }
  }
  return [sizes.length, ...sizes, ...strides.flat()]
}

/** The strides of an operand where it is broadcast to a shape: 0 along what it has once. */
function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const missing = to.length - from.length
  const strides = stridesOf(from)
  return to.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : strides[axis - missing]!))
}

/** A part of x, or x with its axes in another order: the same memory where it is in one piece there. */
function viewOf(
  program: ChainProgram,
  x: Operand,
  offset: number,
  strides: readonly number[],
  shape: readonly number[],
): Place {
  const place = moved(x.place, offset)
  const axes = axesOf(shape, [strides])
  const isWhole = axes[0] === 0 || (axes[0] === 1 && axes[2] === 1)
  if (isWhole) return place
  return program.make('copy', [place], axesOf(shape, [strides, stridesOf(shape)]), sizeOf(shape))
}

const same: Translate = ({ inputs: [x] }) => [x!.place]

const binary =
  (ofFloats: Does, ofIntegers?: Does): Translate =>
  ({ inputs: [a, b], outputs: [out], program }) => {
    const does = [a, b, out].every((x) => x!.dtype === FLOAT)
      ? ofFloats
      : [a, b, out].every((x) => x!.dtype === INTEGER)
        ? ofIntegers
        : undefined
    if (!does || !isSmall(out!)) return undefined
    const { shape } = out!
    const sizes = axesOf(shape, [broadcastStrides(a!.shape, shape), broadcastStrides(b!.shape, shape)])
    return [program.make(does, [a!.place, b!.place], sizes, sizeOf(shape))]
  }

const unary =
  (does: Does, from = FLOAT): Translate =>
  ({ inputs: [x], outputs: [out], program }) => {
    if (x!.dtype !== from || !isFloat(out!) || !isSmall(out!)) return undefined
    return [program.make(does, [x!.place], [sizeOf(out!.shape)], sizeOf(out!.shape))]
  }

const split: Translate = ({ inputs: [x, , axisOf], outputs, program }) => {
  const axis = axisOf!.constant()?.[0]
  if (axis === undefined || !isSmall(x!)) return undefined
  const strides = stridesOf(x!.shape)
  const at = axis < 0 ? axis + x!.shape.length : axis
  let offset = 0
  return outputs.map(({ shape }) => {
    const place = viewOf(program, x!, offset, strides, shape)
    offset += shape[at]! * strides[at]!
    return place
  })
}

const slice: Translate = ({ inputs: [x, beginOf], outputs: [out], program }) => {
  const begin = beginOf!.constant()
  if (!begin || !isSmall(out!)) return undefined
  const strides = stridesOf(x!.shape)
  const offset = begin.reduce((sum, from, axis) => sum + from * strides[axis]!, 0)
  return [viewOf(program, x!, offset, strides, out!.shape)]
}

const transpose: Translate = ({ inputs: [x, orderOf], outputs: [out], program }) => {
  const order = orderOf!.constant()
  if (!order || !isSmall(out!)) return undefined
  const strides = stridesOf(x!.shape)
  const walk = order.map((axis) => strides[axis]!)
  return [viewOf(program, x!, 0, walk, out!.shape)]
}

const concatenate: Translate = ({ inputs, outputs: [out], program }) => {
  const axis = inputs.at(-1)!.constant()?.[0]
  if (axis === undefined || !isSmall(out!)) return undefined
  const { shape } = out!
  const strides = stridesOf(shape)
  const at = axis < 0 ? axis + shape.length : axis
  const place = program.room(sizeOf(shape))
  let offset = 0
  for (const part of inputs.slice(0, -1)) {
    program.write('copy', [moved(place, offset), part.place], axesOf(part.shape, [stridesOf(part.shape), strides]))
    offset += part.shape[at]! * strides[at]!
  }
  return [place]
}

const gather: Translate = ({ inputs: [x, indices, axisOf], outputs: [out], attributes, program }) => {
  const isPlain = axisOf!.constant()?.[0] === 0 && !attributes.get('batch_dims')
  if (!isPlain || indices!.dtype !== INTEGER || !isSmall(out!)) return undefined
  const [rows, ...row] = x!.shape
  const sizes = [sizeOf(indices!.shape), sizeOf(row), rows!]
  return [program.make('gather', [x!.place, indices!.place], sizes, sizeOf(out!.shape))]
}

const product: Translate = ({ inputs: [a, b], outputs: [out], attributes, program }) => {
  const transposed = Boolean(attributes.get('adj_y'))
  const [batchA, batchB] = [a!.shape.slice(0, -2), b!.shape.slice(0, -2)]
  const [sizeA, sizeB] = [sizeOf(batchA), sizeOf(batchB)]
  const isPairwise = `${batchA}` === `${batchB}` || sizeA === 1 || sizeB === 1
  if (attributes.get('adj_x') || !isPairwise || ![a, b, out].every((x) => isFloat(x!))) return undefined
  const [M, K] = a!.shape.slice(-2) as [number, number]
  const N = out!.shape.at(-1)!
  const pairs = Math.max(sizeA, sizeB)
  if (pairs * M * K * N > SMALL_PRODUCT || !isSmall(out!)) return undefined
  const sizes = [pairs, M, K, N, sizeA === 1 ? 0 : M * K, sizeB === 1 ? 0 : K * N, Number(transposed)]
  return [program.make('product', [a!.place, b!.place], sizes, sizeOf(out!.shape))]
}

const multiplyRows: Translate = ({ inputs: [x, weight, bias], outputs: [out], program }) => {
  const [[N, D], width] = [x!.shape as [number, number], weight!.shape[1]!]
  if (N * D * width > SMALL_PRODUCT || !isSmall(out!)) return undefined
  const operands = [x!.place, weight!.place, sizeOf(bias!.shape) ? bias!.place : ABSENT]
  return [program.make('multiplyRows', operands, [N, D, width], N * width)]
}

const normalize: Translate = ({ inputs: [x, scale, shift, epsilon], outputs: [out], program }) => {
  if (!isSmall(out!)) return undefined
  const operands = [x!.place, scale!.place, sizeOf(shift!.shape) ? shift!.place : ABSENT, epsilon!.place]
  return [program.make('normalize', operands, x!.shape, sizeOf(x!.shape))]
}

const attendSlots: Translate = ({ inputs: [q, k, v, added], outputs: [out], program }) => {
  const [B, H, Q, D] = q!.shape as [number, number, number, number]
  const [G, C] = k!.shape.slice(1) as [number, number]
  if (B * H * Q * C > SMALL_PRODUCT || !isSmall(out!)) return undefined
  const [byBatch, byHead] = [added!.shape[0]! > 1, added!.shape[1]! > 1]
  const steps = [byBatch ? (byHead ? H : 1) * Q * C : 0, byHead ? Q * C : 0]
  const operands = [q!.place, k!.place, v!.place, added!.place]
  return [program.make('attendSlots', operands, [H, Q, D, G, C, ...steps, B * H * Q], sizeOf(out!.shape))]
}

const update: Translate = ({ inputs: [variable, rows, values], program }) => {
  const count = sizeOf(rows!.shape)
  program.write('update', [variable!.place, rows!.place, values!.place], [count, sizeOf(values!.shape) / count])
  return [variable!.place]
}

/** The operations that a chain may do. */
export const SMALL_OPS: Readonly<Record<string, Translate>> = {
  Reshape: same,
  ExpandDims: same,
  Squeeze: same,
  Identity: same,
  Add: binary('add', 'addIntegers'),
  AddV2: binary('add', 'addIntegers'),
  Sub: binary('subtract', 'subtractIntegers'),
  Mul: binary('multiply'),
  RealDiv: binary('divide'),
  Maximum: binary('larger'),
  Minimum: binary('smaller'),
  Neg: unary('negate'),
  Abs: unary('magnitude'),
  Cast: unary('toFloat', INTEGER),
  SplitV: split,
  Slice: slice,
  Transpose: transpose,
  ConcatV2: concatenate,
  GatherV2: gather,
  BatchMatMulV2: product,
  AlibiMultiplyRows: multiplyRows,
  AlibiNormalize: normalize,
  AlibiGelu: unary('gelu'),
  AlibiAttendSlots: attendSlots,
  InplaceUpdate: update,
}
