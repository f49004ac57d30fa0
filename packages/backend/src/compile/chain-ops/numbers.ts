// What is done number by number.
import type { Does } from '../chain-program.js'
import { axesOf, broadcastStrides, sizeOf, stridesOf } from '../chain-shapes.js'
import { same } from './layout.js'
import { BOOLEAN, FLOAT, fits, INTEGER, isFloat, isSlow, isSmall, type Translate } from './op.js'

export const binary =
  (ofFloats: Does, ofIntegers?: Does): Translate =>
  ({ inputs: [a, b], outputs: [out], program }) => {
    const does = { [FLOAT]: ofFloats, [INTEGER]: ofIntegers }[a!.dtype]
    if (!does || a!.dtype !== b!.dtype || !(isSlow(does) ? isSmall(out!) : fits(out!, program))) return undefined
    const { shape } = out!
    const sizes = axesOf(shape, [broadcastStrides(a!.shape, shape), broadcastStrides(b!.shape, shape)])
    return [program.make(does, [a!.place, b!.place], sizes, sizeOf(shape))]
  }

/** A sum; of a product, within it. */
export const add: Translate = (op) => {
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

export const unary =
  (does: Does, from = FLOAT, to = FLOAT): Translate =>
  ({ inputs: [x], outputs: [out], program }) => {
    if (x!.dtype !== from || out!.dtype !== to || !(isSlow(does) ? isSmall(out!) : fits(out!, program)))
      return undefined
    return [program.make(does, [x!.place], [sizeOf(out!.shape)], sizeOf(out!.shape))]
  }

export const cast: Translate = (op) => {
  const [from, to] = [op.inputs[0]!.dtype, op.outputs[0]!.dtype]
  if (from === to || (from === BOOLEAN && to === FLOAT)) return same(op)
  return from === INTEGER ? unary('toFloat', INTEGER)(op) : unary('toInteger', from, INTEGER)(op)
}

/** One number everywhere. */
export const fill: Translate = ({ inputs: [, value], outputs: [out], program }) => {
  const { shape } = out!
  if (!isFloat(value!) || !isFloat(out!) || !fits(out!, program)) return undefined
  const once = shape.map(() => 0)
  return [program.make('copy', [value!.place], axesOf(shape, [once, stridesOf(shape)]), sizeOf(shape))]
}

export const zerosLike: Translate = ({ outputs: [out], program }) => {
  const { shape } = out!
  if (!fits(out!, program)) return undefined
  // A difference of what there is would keep what is not a number.
  return [program.make('zero', [], [sizeOf(shape)], sizeOf(shape))]
}

/** Numbers of one array where what chooses is true, and of another where not. */
export const select: Translate = ({ inputs, outputs: [out], program }) => {
  const { shape } = out!
  if (!isFloat(out!) || !fits(out!, program) || !inputs.every((x) => `${x.shape}` === `${shape}`)) return undefined
  const operands = inputs.map(({ place }) => place)
  return [program.make('select', operands, [sizeOf(shape)], sizeOf(shape))]
}

/** What is true in both; within a chain it is 1. */
export const both: Translate = ({ inputs: [a, b], outputs: [out], program }) => {
  const { shape } = out!
  if (!fits(out!, program)) return undefined
  const sizes = axesOf(shape, [broadcastStrides(a!.shape, shape), broadcastStrides(b!.shape, shape)])
  return [program.make('multiply', [a!.place, b!.place], sizes, sizeOf(shape))]
}

/** Random numbers of a seed, TensorFlow's. */
export const random: Translate = ({ inputs: [, seed], outputs: [out], program }) => {
  if (!isFloat(out!) || seed!.dtype !== INTEGER || !fits(out!, program)) return undefined
  return [program.make('random', [seed!.place], [sizeOf(out!.shape)], sizeOf(out!.shape))]
}

/** The sum of several arrays, in order. */
export const addAll: Translate = ({ inputs, outputs: [out], program }) => {
  const { shape } = out!
  if (!isFloat(out!) || !fits(out!, program)) return undefined
  const strides = stridesOf(shape)
  const sizes = axesOf(shape, [strides, strides])
  const [first, ...others] = inputs.map(({ place }) => place)
  return [others.reduce((sum, place) => program.make('add', [sum, place], sizes, sizeOf(shape)), first!)]
}
