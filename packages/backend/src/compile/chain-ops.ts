// How a chain does TensorFlow's operations and ours. Shapes are as recorded.
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
  /** Whether anything reads an output. */
  readonly isRead: (output: number) => boolean
  /** Whether an input is a product, itself and not a view of it, that nothing else reads. */
  readonly isProductForThis: (input: number) => boolean
}

/** Adds what an operation does to a program; undefined, with nothing added, where the program cannot do it. */
type Translate = (op: SmallOp) => readonly Place[] | undefined

/** Numbers of a result up to which an operation is small. */
const SMALL = 1 << 16
/** Multiplications up to which a product is small: of few rows, which reads its weights and not much else, and of many. */
const FEW_ROWS = 8
const isSmallProduct = (M: number, multiplications: number) => multiplications <= (M > FEW_ROWS ? 1 << 20 : 1 << 24)
/** What a chain does number by number, in no vectors. */
const SLOW: readonly Does[] = ['power', 'exponential', 'logarithm', 'logarithmOf1Plus']
const isSlow = (does: Does) => SLOW.includes(does)
/** TF_DataTypes. What is true or false is a float within a chain. */
const [FLOAT, INTEGER, BOOLEAN] = [1, 3, 10]

const isSmall = ({ shape }: Signature) => sizeOf(shape) <= SMALL
/** Whether the program takes what has that shape. */
const fits = (x: Signature, { isWhole }: ChainProgram) => isWhole || isSmall(x)
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
    if (!does || a!.dtype !== b!.dtype || !(isSlow(does) ? isSmall(out!) : fits(out!, program))) return undefined
    const { shape } = out!
    const sizes = axesOf(shape, [broadcastStrides(a!.shape, shape), broadcastStrides(b!.shape, shape)])
    return [program.make(does, [a!.place, b!.place], sizes, sizeOf(shape))]
  }

/** A sum; of a product, within it. */
const add: Translate = (op) => {
  const { inputs, outputs, program, isProductForThis } = op
  const { shape, dtype } = outputs[0]!
  for (const [i, x] of inputs.entries()) {
    const other = inputs[1 - i]!
    const isSum = dtype === FLOAT && `${x.shape}` === `${shape}` && shape.length === 2 && isProductForThis(i)
    const what = isSum && ({ [`${shape}`]: 'matrix', [`${shape[1]}`]: 'row' } as const)[`${other.shape}`]
    if (what && program.isWhole && program.addToProduct(x.place, other.place, what)) return [x.place]
  }
  return binary('add', 'addIntegers')(op)
}

const unary =
  (does: Does, from = FLOAT, to = FLOAT): Translate =>
  ({ inputs: [x], outputs: [out], program }) => {
    if (x!.dtype !== from || out!.dtype !== to || !(isSlow(does) ? isSmall(out!) : fits(out!, program)))
      return undefined
    return [program.make(does, [x!.place], [sizeOf(out!.shape)], sizeOf(out!.shape))]
  }

const cast: Translate = (op) => {
  const [from, to] = [op.inputs[0]!.dtype, op.outputs[0]!.dtype]
  if (from === to || (from === BOOLEAN && to === FLOAT)) return same(op)
  return from === INTEGER ? unary('toFloat', INTEGER)(op) : unary('toInteger', FLOAT, INTEGER)(op)
}

/** The softmax of each row along the last axis. */
const softmax: Translate = ({ inputs: [x], program }) => {
  const width = x!.shape.at(-1)
  if (!isFloat(x!) || !fits(x!, program) || !width) return undefined
  return [program.make('softmax', [x!.place], [sizeOf(x!.shape) / width, width], sizeOf(x!.shape))]
}

/** The sum along some axes: of rows, or of what is put in rows. */
const sum: Translate = ({ inputs: [x, along], outputs: [out], program }) => {
  const given = along!.constant()
  const { shape } = x!
  if (!given || !isFloat(x!) || !fits(x!, program) || !sizeOf(shape)) return undefined
  const axes = given.map((axis) => (axis < 0 ? axis + shape.length : axis))
  const kept = [...shape.keys()].filter((axis) => !axes.includes(axis))
  const [count, width] = [sizeOf(out!.shape), sizeOf(axes.map((axis) => shape[axis]!))]
  if (kept.every((axis, i) => axis === i)) return [program.make('sum', [x!.place], [count, width], count)]
  if (!program.isWhole) return undefined
  const order = [...axes, ...kept]
  const strides = stridesOf(shape)
  const inRows = viewOf(
    program,
    x!,
    0,
    order.map((axis) => strides[axis]!),
    order.map((axis) => shape[axis]!),
  )
  return [program.make('sumRows', [inRows], [width, count], count)]
}

/** With more numbers around it, all of one value. */
const pad: Translate = ({ inputs: [x, roomOf, value], outputs: [out], program }) => {
  const room = roomOf!.constant()
  if (!room || !isFloat(x!) || !fits(out!, program)) return undefined
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
  if (axis === undefined || !fits(x!, program)) return undefined
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
  if (!begin || !fits(out!, program)) return undefined
  const strides = stridesOf(x!.shape)
  const offset = begin.reduce((sum, from, axis) => sum + from * strides[axis]!, 0)
  return [viewOf(program, x!, offset, strides, out!.shape)]
}

const transpose: Translate = ({ inputs: [x, orderOf], outputs: [out], program }) => {
  const order = orderOf!.constant()
  if (!order || !fits(out!, program)) return undefined
  const strides = stridesOf(x!.shape)
  const walk = order.map((axis) => strides[axis]!)
  return [viewOf(program, x!, 0, walk, out!.shape)]
}

/** Puts arrays next to one another along an axis of the result. */
function joined(op: SmallOp, parts: readonly Operand[], axis: number): readonly Place[] | undefined {
  const { shape, dtype } = op.outputs[0]!
  if (dtype === BOOLEAN || !fits(op.outputs[0]!, op.program)) return undefined
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
  if (!times || !fits(out!, program)) return undefined
  // Each axis as two: how often, and what.
  const shape = x!.shape.flatMap((size, axis) => [times[axis]!, size])
  const walk = stridesOf(x!.shape).flatMap((stride) => [0, stride])
  return [viewOf(program, x!, 0, walk, shape)]
}

const gather: Translate = ({ inputs: [x, indices, axisOf], outputs: [out], attributes, program }) => {
  const axis = axisOf!.constant()?.[0]
  const isPlain = axis !== undefined && axis >= 0 && !attributes.get('batch_dims')
  if (!isPlain || !isFloat(x!) || indices!.dtype !== INTEGER || !fits(out!, program)) return undefined
  const { shape } = x!
  const sizes = [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1)), sizeOf(indices!.shape)]
  return [program.make('gather', [x!.place, indices!.place], sizes, sizeOf(out!.shape))]
}

/** Gathers by several indices each: rows of the axes that these leave. */
const gatherNd: Translate = ({ inputs: [x, indices], outputs: [out], program }) => {
  if (!isFloat(x!) || indices!.dtype !== INTEGER || !fits(out!, program)) return undefined
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
  if (!isPairwise || ![a, b, out].every((x) => isFloat(x!))) return undefined
  const turned = Boolean(attributes.get('adj_x'))
  const [M, N] = out!.shape.slice(-2) as [number, number]
  const K = a!.shape.at(turned ? -2 : -1)!
  const pairs = sizeOf(out!.shape.slice(0, -2))
  const isFew = M <= FEW_ROWS && isSmallProduct(M, pairs * M * K * N) && !turned
  if (program.isWhole && !isFew) {
    const steps = [sizeA === 1 ? 0 : M * K, sizeB === 1 ? 0 : K * N]
    const [ofA, ofB] = [turned ? [1, M] : [K, 1], transposed ? [K, 1] : [1, N]]
    const sizes = [pairs, M, K, N, ...steps, ...ofA, ...ofB]
    // What may be added to it is not there.
    return [program.make('matrixProduct', [a!.place, b!.place, ABSENT, ABSENT], sizes, pairs * M * N)]
  }
  if (turned || !isSmallProduct(M, pairs * M * K * N) || !isSmall(out!)) return undefined
  const sizes = [pairs, M, K, N, sizeA === 1 ? 0 : M * K, sizeB === 1 ? 0 : K * N, Number(transposed)]
  return [program.make('product', [a!.place, b!.place], sizes, sizeOf(out!.shape))]
}

const multiplyRows: Translate = ({ inputs: [x, weight, bias], outputs: [out], program }) => {
  const [[N, D], width] = [x!.shape as [number, number], weight!.shape[1]!]
  if (!program.isWhole && (!isSmallProduct(N, N * D * width) || !isSmall(out!))) return undefined
  const operands = [x!.place, weight!.place, sizeOf(bias!.shape) ? bias!.place : ABSENT]
  return [program.make('multiplyRows', operands, [N, D, width], N * width)]
}

const normalize: Translate = ({ inputs: [x, scale, shift, epsilon], outputs: [out], program }) => {
  if (!fits(out!, program)) return undefined
  const operands = [x!.place, scale!.place, sizeOf(shift!.shape) ? shift!.place : ABSENT, epsilon!.place]
  return [program.make('normalize', operands, x!.shape, sizeOf(x!.shape))]
}

const attendSlots: Translate = ({ inputs: [q, k, v, added], outputs: [out], program }) => {
  const [B, H, Q, D] = q!.shape as [number, number, number, number]
  const [G, C] = k!.shape.slice(1) as [number, number]
  if (!program.isWhole && (!isSmallProduct(Q, 2 * B * H * Q * C * D) || !isSmall(out!))) return undefined
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

/** The parts along an axis. */
const unpack: Translate = ({ inputs: [x], outputs, attributes, program }) => {
  const given = Number(attributes.get('axis') ?? 0)
  if (!fits(x!, program)) return undefined
  const strides = stridesOf(x!.shape)
  const axis = given < 0 ? given + strides.length : given
  const walk = strides.filter((_, at) => at !== axis)
  return outputs.map(({ shape }, i) => viewOf(program, x!, i * strides[axis]!, walk, shape))
}

/** One number everywhere. */
const fill: Translate = ({ inputs: [, value], outputs: [out], program }) => {
  const { shape } = out!
  if (!isFloat(value!) || !isFloat(out!) || !fits(out!, program)) return undefined
  const once = shape.map(() => 0)
  return [program.make('copy', [value!.place], axesOf(shape, [once, stridesOf(shape)]), sizeOf(shape))]
}

const zerosLike: Translate = ({ outputs: [out], program }) => {
  const { shape } = out!
  if (!isFloat(out!) || !fits(out!, program)) return undefined
  // A difference of what there is would keep what is not a number.
  return [program.make('zero', [], [sizeOf(shape)], sizeOf(shape))]
}

/** Numbers of one array where what chooses is true, and of another where not. */
const select: Translate = ({ inputs, outputs: [out], program }) => {
  const { shape } = out!
  if (!isFloat(out!) || !fits(out!, program) || !inputs.every((x) => `${x.shape}` === `${shape}`)) return undefined
  const operands = inputs.map(({ place }) => place)
  return [program.make('select', operands, [sizeOf(shape)], sizeOf(shape))]
}

const reverse: Translate = ({ inputs: [x, axesAt], outputs: [out], program }) => {
  const axes = axesAt!.constant()
  const { shape } = out!
  if (!axes || !fits(out!, program)) return undefined
  const turned = shape.map((_, axis) => axes.includes(axis) || axes.includes(axis - shape.length))
  const strides = stridesOf(shape)
  const offset = strides.reduce((sum, stride, axis) => sum + (turned[axis] ? stride * (shape[axis]! - 1) : 0), 0)
  const walk = strides.map((stride, axis) => (turned[axis] ? -stride : stride))
  return [viewOf(program, x!, offset, walk, shape)]
}

/** The sum of several arrays, in order. */
const addAll: Translate = ({ inputs, outputs: [out], program }) => {
  const { shape } = out!
  if (!isFloat(out!) || !fits(out!, program)) return undefined
  const strides = stridesOf(shape)
  const sizes = axesOf(shape, [strides, strides])
  const [first, ...others] = inputs.map(({ place }) => place)
  return [others.reduce((sum, place) => program.make('add', [sum, place], sizes, sizeOf(shape)), first!)]
}

/** A place for a result, or none where it is empty. */
const roomFor = ({ shape }: Signature, program: ChainProgram) => (sizeOf(shape) ? program.room(sizeOf(shape)) : ABSENT)
const placeOrNone = (x: Operand) => (sizeOf(x.shape) ? x.place : ABSENT)

/** Attention, or its gradient, which also gets the result, the sums and the result's gradient. */
const attention =
  (does: 'attention' | 'attentionGradient'): Translate =>
  ({ inputs, outputs, attributes, program }) => {
    if (!program.isWhole) return undefined
    const number = (name: string) => Number(attributes.get(name))
    const [q, k] = inputs as [Operand, Operand]
    const isProjected = number('projected') === 1
    const numQueries = isProjected ? q.shape[0]! / number('batch_size') : q.shape[2]!
    const numKeys = isProjected ? numQueries : k.shape[2]!
    const headDim = isProjected ? q.shape[1]! / 3 / number('num_heads') : q.shape[3]!
    const documentRows = sizeOf(inputs[8]!.shape) / numQueries
    const sizes = [...ATTENTION_SETTINGS.map(number), numQueries, numKeys, headDim, documentRows]
    const results = outputs.map((output) => roomFor(output, program))
    program.write(does, [...results, ...inputs.map(placeOrNone)], sizes)
    return results
  }

/** Attributes of attention, in the order of native/operations.cc. */
const ATTENTION_SETTINGS = [
  ...['batch_size', 'num_heads', 'pair_stride', 'window', 'sinks'],
  ...['projected', 'trains_slopes', 'trains_table'],
]

const geluGradient: Translate = ({ inputs: [x, dy], outputs: [out], program }) => {
  if (!fits(out!, program)) return undefined
  return [program.make('geluGradient', [x!.place, dy!.place], [sizeOf(out!.shape)], sizeOf(out!.shape))]
}

const normalizeGradient: Translate = ({ inputs, outputs: [dx, dParameters], program }) => {
  const [x] = inputs
  if (!fits(x!, program)) return undefined
  const results = [roomFor(dx!, program), roomFor(dParameters!, program)]
  program.write(
    'normalizeGradient',
    [...results, ...inputs.map(({ place }) => place)],
    [...x!.shape, dParameters!.shape[0]!],
  )
  return results
}

const sumRows: Translate = ({ inputs: [x], outputs: [out], program }) =>
  fits(x!, program) ? [program.make('sumRows', [x!.place], x!.shape, sizeOf(out!.shape))] : undefined

const sumSegments: Translate = ({ inputs: [x, segments], outputs: [out], program }) => {
  const isOfRows = segments!.shape.length === 1 && segments!.dtype === INTEGER
  if (!isOfRows || !isFloat(x!) || !fits(x!, program) || !fits(out!, program)) return undefined
  const [N, count] = [x!.shape[0]!, out!.shape[0]!]
  const sizes = [N, sizeOf(x!.shape) / N, count]
  return [program.make('sumSegments', [x!.place, segments!.place], sizes, sizeOf(out!.shape))]
}

const crossEntropy: Translate = ({ inputs: [logits, targets], outputs: [losses, dLogits], program, isRead }) => {
  if (!isFloat(logits!) || targets!.dtype !== INTEGER || !fits(logits!, program)) return undefined
  const results = [roomFor(losses!, program), isRead(1) ? roomFor(dLogits!, program) : ABSENT]
  program.write('crossEntropy', [...results, logits!.place, targets!.place], logits!.shape)
  return results
}

/** One instruction for each array. */
const adamw: Translate = ({ inputs, outputs, program }) => {
  if (!program.isWhole) return undefined
  const [numbers, constants, factor, decays, gradient, first, second, ...arrays] = inputs
  const results = outputs.map((output) => roomFor(output, program))
  const [newFirst, newSecond, ...updated] = results as [Place, Place, ...Place[]]
  let at = 0
  for (const [i, array] of arrays.entries()) {
    const settings = [numbers!.place, constants!.place, placeOrNone(factor!), decays!.place]
    const moments = [gradient!, first!, second!].map(({ place }) => moved(place, at))
    const made = [moved(newFirst, at), moved(newSecond, at), updated[i]!]
    program.write('adamw', [...made, ...settings, ...moments, array.place], [sizeOf(array.shape), i])
    at += sizeOf(array.shape)
  }
  return results
}

/** The operations that a chain may do. */
export const CHAINED_OPS: Readonly<Record<string, Translate>> = {
  Reshape: same,
  ExpandDims: same,
  Squeeze: same,
  Identity: same,
  Add: add,
  AddV2: add,
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
  Sum: sum,
  Softmax: softmax,
  PadV2: pad,
  SplitV: split,
  Slice: slice,
  Transpose: transpose,
  ConcatV2: concatenate,
  Pack: pack,
  Unpack: unpack,
  Fill: fill,
  ZerosLike: zerosLike,
  Select: select,
  ReverseV2: reverse,
  IsNan: unary('isNotANumber', FLOAT, BOOLEAN),
  Sign: unary('sign'),
  AddN: addAll,
  UnsortedSegmentSum: sumSegments,
  SparseSoftmaxCrossEntropyWithLogits: crossEntropy,
  Tile: tile,
  GatherV2: gather,
  GatherNd: gatherNd,
  BatchMatMulV2: product,
  AlibiMultiplyRows: multiplyRows,
  AlibiNormalize: normalize,
  AlibiGelu: unary('gelu'),
  AlibiGeluGradient: geluGradient,
  AlibiLayerNormGradient: normalizeGradient,
  AlibiRmsNormGradient: normalizeGradient,
  AlibiSumRows: sumRows,
  AlibiAttention: attention('attention'),
  AlibiAttentionGradient: attention('attentionGradient'),
  AlibiAdamw: adamw,
  AlibiAttendSlots: attendSlots,
  InplaceUpdate: update,
}
