// What is done row by row, and sums over rows. Letters: N rows, D numbers of each.
import { ABSENT } from '../chain-program.js'
import { sizeOf, stridesOf } from '../chain-shapes.js'
import { fits, INTEGER, isFloat, roomFor, type Translate, viewOf } from './op.js'

/** The softmax of each row along the last axis. */
export const softmax: Translate = ({ inputs: [x], program }) => {
  const width = x!.shape.at(-1)
  if (!isFloat(x!) || !fits(x!, program) || !width) return undefined
  return [program.make('softmax', [x!.place], [sizeOf(x!.shape) / width, width], sizeOf(x!.shape))]
}

/** The sum along some axes: of rows, or of what is put in rows. */
export const sum: Translate = ({ inputs: [x, along], outputs: [out], program }) => {
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

export const sumRows: Translate = ({ inputs: [x], outputs: [out], program }) =>
  fits(x!, program) ? [program.make('sumRows', [x!.place], x!.shape, sizeOf(out!.shape))] : undefined

export const sumSegments: Translate = ({ inputs: [x, segments], outputs: [out], program }) => {
  const isOfRows = segments!.shape.length === 1 && segments!.dtype === INTEGER
  if (!isOfRows || !isFloat(x!) || !fits(x!, program) || !fits(out!, program)) return undefined
  const [N, count] = [x!.shape[0]!, out!.shape[0]!]
  const sizes = [N, sizeOf(x!.shape) / N, count]
  return [program.make('sumSegments', [x!.place, segments!.place], sizes, sizeOf(out!.shape))]
}

export const normalize: Translate = ({ inputs: [x, scale, shift, epsilon], outputs: [out], program }) => {
  if (!fits(out!, program)) return undefined
  const operands = [x!.place, scale!.place, sizeOf(shift!.shape) ? shift!.place : ABSENT, epsilon!.place]
  return [program.make('normalize', operands, x!.shape, sizeOf(x!.shape))]
}

export const normalizeGradient: Translate = ({ inputs, outputs: [dx, dParameters], program }) => {
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

export const geluGradient: Translate = ({ inputs: [x, dy], outputs: [out], program }) => {
  if (!fits(out!, program)) return undefined
  return [program.make('geluGradient', [x!.place, dy!.place], [sizeOf(out!.shape)], sizeOf(out!.shape))]
}

export const crossEntropy: Translate = ({ inputs: [logits, targets], outputs: [losses, dLogits], program, isRead }) => {
  if (!isFloat(logits!) || targets!.dtype !== INTEGER || !fits(logits!, program)) return undefined
  const results = [roomFor(losses!, program), isRead(1) ? roomFor(dLogits!, program) : ABSENT]
  program.write('crossEntropy', [...results, logits!.place, targets!.place], logits!.shape)
  return results
}
