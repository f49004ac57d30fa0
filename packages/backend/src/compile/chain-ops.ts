// How a chain does TensorFlow's operations and ours, where they are small. Shapes are as recorded.
import { ABSENT, type ChainProgram, type Does, type Place } from './chain-program.js'
import { axesOf, broadcastStrides, sizeOf, stridesOf } from './chain-shapes.js'
import type { Signature } from './record.js'

/** An operand of an operation. */
export interface Operand extends Signature {
  readonly place: Place
  /** Whether it is in the memory of a variable, which the chain may write. */
  readonly isInVariable: () => boolean
  /** Its numbers, where it is a constant. */
  readonly constant: () => readonly number[] | undefined
}

/** One operation to do. */
interface SmallOp {
  readonly inputs: readonly Operand[]
  readonly outputs: readonly Signature[]
  readonly attributes: ReadonlyMap<string, unknown>
  readonly program: ChainProgram
}

/** Adds what an operation does to a program; undefined, with nothing added, where the program cannot do it. */
type Translate = (op: SmallOp) => readonly Place[] | undefined

/** Numbers of a result up to which an operation is small. */
const SMALL = 1 << 16
/** Multiplications up to which a product is small: of few rows, which reads its weights and not much else, and of many. */
const FEW_ROWS = 8
const isSmallProduct = (M: number, multiplications: number) => multiplications <= (M > FEW_ROWS ? 1 << 20 : 1 << 24)
/** TF_DataTypes. What is true or false is a float within a chain. */
const [FLOAT, INTEGER, BOOLEAN] = [1, 3, 10]

const isSmall = ({ shape }: Signature) => sizeOf(shape) <= SMALL
const isFloat = ({ dtype }: Signature) => dtype === FLOAT
const moved = ({ slot, offset }: Place, by: number): Place => ({ slot, offset: offset + by })

/**
 * A part of x, or x with its axes in another order: the same memory where it is in one piece there. Of a variable it is a copy, which
 * stays what it is when the variable is written.
 */
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
  if (isWhole && !x.isInVariable()) return place
  return program.make('copy', [place], axesOf(shape, [strides, stridesOf(shape)]), sizeOf(shape))
}

const same: Translate = ({ inputs: [x] }) => [x!.place]

const binary =
  (ofFloats: Does, ofIntegers?: Does): Translate =>
  ({ inputs: [a, b], outputs: [out], program }) => {
    const does = { [FLOAT]: ofFloats, [INTEGER]: ofIntegers }[a!.dtype]
    if (!does || a!.dtype !== b!.dtype || !isSmall(out!)) return undefined
    const { shape } = out!
    const sizes = axesOf(shape, [broadcastStrides(a!.shape, shape), broadcastStrides(b!.shape, shape)])
    return [program.make(does, [a!.place, b!.place], sizes, sizeOf(shape))]
  }

const unary =
  (does: Does, from = FLOAT, to = FLOAT): Translate =>
  ({ inputs: [x], outputs: [out], program }) => {
    if (x!.dtype !== from || out!.dtype !== to || !isSmall(out!)) return undefined
    return [program.make(does, [x!.place], [sizeOf(out!.shape)], sizeOf(out!.shape))]
  }

const cast: Translate = (op) => {
  const [from, to] = [op.inputs[0]!.dtype, op.outputs[0]!.dtype]
  if (from === to || (from === BOOLEAN && to === FLOAT)) return same(op)
  return from === INTEGER ? unary('toFloat', INTEGER)(op) : unary('toInteger', FLOAT, INTEGER)(op)
}

/** What becomes of each row along the last axis. */
const rows =
  (does: Does): Translate =>
  ({ inputs: [x, along], outputs: [out], program }) => {
    const axes = along?.constant()
    const rank = x!.shape.length
    const isLast = !along || (axes?.length === 1 && (axes[0] === rank - 1 || axes[0] === -1))
    if (!isLast || !isFloat(x!) || !isSmall(x!) || !x!.shape.at(-1)) return undefined
    const width = x!.shape.at(-1)!
    return [program.make(does, [x!.place], [sizeOf(x!.shape) / width, width], sizeOf(out!.shape))]
  }

/** With more numbers around it, all of one value. */
const pad: Translate = ({ inputs: [x, roomOf, value], outputs: [out], program }) => {
  const room = roomOf!.constant()
  if (!room || !isFloat(x!) || !isSmall(out!)) return undefined
  const { shape } = out!
  const strides = stridesOf(shape)
  const place = program.room(sizeOf(shape))
  const once = shape.map(() => 0)
  program.write('copy', [place, value!.place], axesOf(shape, [once, strides]))
  const offset = strides.reduce((sum, stride, axis) => sum + stride * room[2 * axis]!, 0)
  program.write('copy', [moved(place, offset), x!.place], axesOf(x!.shape, [stridesOf(x!.shape), strides]))
  return [place]
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

/** Puts arrays next to one another along an axis of the result. */
function joined(op: SmallOp, parts: readonly Operand[], axis: number): readonly Place[] | undefined {
  const { shape, dtype } = op.outputs[0]!
  if (dtype === BOOLEAN || !isSmall(op.outputs[0]!)) return undefined
  const at = axis < 0 ? axis + shape.length : axis
  const [outer, row] = [sizeOf(shape.slice(0, at)), sizeOf(shape.slice(at))]
  const place = op.program.room(sizeOf(shape))
  let offset = 0
  for (const part of parts) {
    const width = sizeOf(part.shape.slice(at))
    const [from, to] = [stridesOf([outer, width]), stridesOf([outer, row])]
    op.program.write('copy', [moved(place, offset), part.place], axesOf([outer, width], [from, to]))
    offset += width
  }
  return [place]
}

const concatenate: Translate = (op) => {
  const axis = op.inputs.at(-1)!.constant()?.[0]
  return axis === undefined ? undefined : joined(op, op.inputs.slice(0, -1), axis)
}

const pack: Translate = (op) => joined(op, op.inputs, Number(op.attributes.get('axis') ?? 0))

/** Repeats x along each axis. */
const tile: Translate = ({ inputs: [x, timesOf], outputs: [out], program }) => {
  const times = timesOf!.constant()
  if (!times || !isSmall(out!)) return undefined
  // Each axis as two: how often, and what.
  const shape = x!.shape.flatMap((size, axis) => [times[axis]!, size])
  const walk = stridesOf(x!.shape).flatMap((stride) => [0, stride])
  return [viewOf(program, x!, 0, walk, shape)]
}

const gather: Translate = ({ inputs: [x, indices, axisOf], outputs: [out], attributes, program }) => {
  const axis = axisOf!.constant()?.[0]
  const isPlain = axis !== undefined && axis >= 0 && !attributes.get('batch_dims')
  if (!isPlain || !isFloat(x!) || indices!.dtype !== INTEGER || !isSmall(out!)) return undefined
  const { shape } = x!
  const sizes = [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1)), sizeOf(indices!.shape)]
  return [program.make('gather', [x!.place, indices!.place], sizes, sizeOf(out!.shape))]
}

/** Gathers by several indices each: rows of the axes that these leave. */
const gatherNd: Translate = ({ inputs: [x, indices], outputs: [out], program }) => {
  if (!isFloat(x!) || indices!.dtype !== INTEGER || !isSmall(out!)) return undefined
  const depth = indices!.shape.at(-1)!
  if (!depth) return undefined
  const { shape } = x!
  const sizes = [sizeOf(indices!.shape) / depth, sizeOf(shape.slice(depth)), depth, ...shape.slice(0, depth)]
  return [program.make('gatherAt', [x!.place, indices!.place], sizes, sizeOf(out!.shape))]
}

const product: Translate = ({ inputs: [a, b], outputs: [out], attributes, program }) => {
  const transposed = Boolean(attributes.get('adj_y'))
  const [batchA, batchB] = [a!.shape.slice(0, -2), b!.shape.slice(0, -2)]
  const [sizeA, sizeB] = [sizeOf(batchA), sizeOf(batchB)]
  const isPairwise = `${batchA}` === `${batchB}` || sizeA === 1 || sizeB === 1
  if (attributes.get('adj_x') || !isPairwise || ![a, b, out].every((x) => isFloat(x!))) return undefined
  const [M, K] = a!.shape.slice(-2) as [number, number]
  const N = out!.shape.at(-1)!
  const pairs = sizeOf(out!.shape.slice(0, -2))
  if (!isSmallProduct(M, pairs * M * K * N) || !isSmall(out!)) return undefined
  const sizes = [pairs, M, K, N, sizeA === 1 ? 0 : M * K, sizeB === 1 ? 0 : K * N, Number(transposed)]
  return [program.make('product', [a!.place, b!.place], sizes, sizeOf(out!.shape))]
}

const multiplyRows: Translate = ({ inputs: [x, weight, bias], outputs: [out], program }) => {
  const [[N, D], width] = [x!.shape as [number, number], weight!.shape[1]!]
  if (!isSmallProduct(N, N * D * width) || !isSmall(out!)) return undefined
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
  if (!isSmallProduct(Q, 2 * B * H * Q * C * D) || !isSmall(out!)) return undefined
  const [byBatch, byHead] = [added!.shape[0]! > 1, added!.shape[1]! > 1]
  const steps = [byBatch ? (byHead ? H : 1) * Q * C : 0, byHead ? Q * C : 0]
  const operands = [q!.place, k!.place, v!.place, added!.place]
  return [program.make('attendSlots', operands, [H, Q, D, G, C, ...steps, B * H * Q], sizeOf(out!.shape))]
}

const update: Translate = ({ inputs: [variable, rows, values], program }) => {
  // Others may stand for what is equal to it.
  if (!variable!.isInVariable()) return undefined
  const sizes = [sizeOf(rows!.shape), sizeOf(variable!.shape.slice(1)), variable!.shape[0]!]
  program.write('update', [variable!.place, rows!.place, values!.place], sizes)
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
  Maximum: binary('larger', 'largerInteger'),
  Minimum: binary('smaller', 'smallerInteger'),
  Neg: unary('negate'),
  Abs: unary('magnitude'),
  Cast: cast,
  Pow: binary('power'),
  Less: binary('less'),
  LessEqual: binary('lessOrEqual'),
  Greater: binary('greater'),
  GreaterEqual: binary('greaterOrEqual'),
  Floor: unary('floor'),
  Relu: unary('relu'),
  Exp: unary('exponential'),
  Log: unary('logarithm'),
  Log1p: unary('logarithmOf1Plus'),
  Sigmoid: unary('sigmoid'),
  Sqrt: unary('squareRoot'),
  Square: unary('square'),
  Sum: rows('sum'),
  Softmax: rows('softmax'),
  PadV2: pad,
  SplitV: split,
  Slice: slice,
  Transpose: transpose,
  ConcatV2: concatenate,
  Pack: pack,
  Tile: tile,
  GatherV2: gather,
  GatherNd: gatherNd,
  BatchMatMulV2: product,
  AlibiMultiplyRows: multiplyRows,
  AlibiNormalize: normalize,
  AlibiGelu: unary('gelu'),
  AlibiAttendSlots: attendSlots,
  InplaceUpdate: update,
}
