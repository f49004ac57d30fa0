// Numbers in another place, order or shape.
import type { Place } from '../chain-program.js'
import { axesOf, sizeOf, stridesOf } from '../chain-shapes.js'
import { BOOLEAN, type ChainedOp, fits, INTEGER, isFloat, moved, type Operand, type Translate, viewOf } from './op.js'

export const same: Translate = ({ inputs: [x] }) => [x!.place]

/** With more numbers around it, all of one value. */
export const pad: Translate = ({ inputs: [x, roomOf, value], outputs: [out], program }) => {
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

export const split: Translate = ({ inputs: [x, , axisOf], outputs, program }) => {
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

export const slice: Translate = ({ inputs: [x, beginOf], outputs: [out], program }) => {
  const begin = beginOf!.constant()
  if (!begin || !fits(out!, program)) return undefined
  const strides = stridesOf(x!.shape)
  const offset = begin.reduce((sum, from, axis) => sum + from * strides[axis]!, 0)
  return [viewOf(program, x!, offset, strides, out!.shape)]
}

export const transpose: Translate = ({ inputs: [x, orderOf], outputs: [out], program }) => {
  const order = orderOf!.constant()
  if (!order || !fits(out!, program)) return undefined
  const strides = stridesOf(x!.shape)
  const walk = order.map((axis) => strides[axis]!)
  return [viewOf(program, x!, 0, walk, out!.shape)]
}

/** Puts arrays next to one another along an axis of the result. */
function joined(op: ChainedOp, parts: readonly Operand[], axis: number): readonly Place[] | undefined {
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

export const concatenate: Translate = (op) => {
  const axis = op.inputs.at(-1)!.constant()?.[0]
  return axis === undefined ? undefined : joined(op, op.inputs.slice(0, -1), axis)
}

export const pack: Translate = (op) => joined(op, op.inputs, Number(op.attributes.get('axis') ?? 0))

/** The parts along an axis. */
export const unpack: Translate = ({ inputs: [x], outputs, attributes, program }) => {
  const given = Number(attributes.get('axis') ?? 0)
  if (!fits(x!, program)) return undefined
  const strides = stridesOf(x!.shape)
  const axis = given < 0 ? given + strides.length : given
  const walk = strides.filter((_, at) => at !== axis)
  return outputs.map(({ shape }, i) => viewOf(program, x!, i * strides[axis]!, walk, shape))
}

/** Repeats x along each axis. */
export const tile: Translate = ({ inputs: [x, timesOf], outputs: [out], program }) => {
  const times = timesOf!.constant()
  if (!times || !fits(out!, program)) return undefined
  // Each axis as two: how often, and what.
  const shape = x!.shape.flatMap((size, axis) => [times[axis]!, size])
  const walk = stridesOf(x!.shape).flatMap((stride) => [0, stride])
  return [viewOf(program, x!, 0, walk, shape)]
}

export const reverse: Translate = ({ inputs: [x, axesAt], outputs: [out], program }) => {
  const axes = axesAt!.constant()
  const { shape } = out!
  if (!axes || !fits(out!, program)) return undefined
  const turned = shape.map((_, axis) => axes.includes(axis) || axes.includes(axis - shape.length))
  const strides = stridesOf(shape)
  const offset = strides.reduce((sum, stride, axis) => sum + (turned[axis] ? stride * (shape[axis]! - 1) : 0), 0)
  const walk = strides.map((stride, axis) => (turned[axis] ? -stride : stride))
  return [viewOf(program, x!, offset, walk, shape)]
}

export const gather: Translate = ({ inputs: [x, indices, axisOf], outputs: [out], attributes, program }) => {
  const axis = axisOf!.constant()?.[0]
  const isPlain = axis !== undefined && axis >= 0 && !attributes.get('batch_dims')
  if (!isPlain || x!.dtype === BOOLEAN || indices!.dtype !== INTEGER || !fits(out!, program)) return undefined
  const { shape } = x!
  const sizes = [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1)), sizeOf(indices!.shape)]
  return [program.make('gather', [x!.place, indices!.place], sizes, sizeOf(out!.shape))]
}

/** Gathers by several indices each: rows of the axes that these leave. */
export const gatherNd: Translate = ({ inputs: [x, indices], outputs: [out], program }) => {
  if (!isFloat(x!) || indices!.dtype !== INTEGER || !fits(out!, program)) return undefined
  const depth = indices!.shape.at(-1)!
  if (!depth) return undefined
  const { shape } = x!
  const sizes = [sizeOf(indices!.shape) / depth, sizeOf(shape.slice(depth)), depth, ...shape.slice(0, depth)]
  return [program.make('gatherAt', [x!.place, indices!.place], sizes, sizeOf(out!.shape))]
}

export const update: Translate = ({ inputs: [variable, rows, values], program }) => {
  // Others may stand for what is equal to it.
  if (!variable!.isInVariable()) return undefined
  const sizes = [sizeOf(rows!.shape), sizeOf(variable!.shape.slice(1)), variable!.shape[0]!]
  program.write('update', [variable!.place, rows!.place, values!.place], sizes)
  return [variable!.place]
}
