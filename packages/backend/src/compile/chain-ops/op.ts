// What a chain is told of an operation, and how it does one. Shapes are as recorded.
import { ABSENT, type ChainProgram, type Does, type Place } from '../chain-program.js'
import { axesOf, sizeOf, stridesOf } from '../chain-shapes.js'
import type { Signature } from '../record.js'

/** An operand of an operation. */
export interface Operand extends Signature {
  readonly place: Place
  /** Whether it is in the memory of a variable, which the chain may write. */
  readonly isInVariable: () => boolean
  /** Its numbers, where it is a constant. */
  readonly constant: () => readonly number[] | undefined
}

/** One operation to do. */
export interface ChainedOp {
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
export type Translate = (op: ChainedOp) => readonly Place[] | undefined

/** Numbers of a result up to which an operation is small. */
const SMALL = 1 << 16
/** Multiplications up to which a product is small: of few rows, which reads its weights and not much else, and of many. */
export const FEW_ROWS = 8
export const isSmallProduct = (M: number, multiplications: number) =>
  multiplications <= (M > FEW_ROWS ? 1 << 20 : 1 << 24)
/** What a chain does number by number, in no vectors. */
const SLOW: readonly Does[] = ['power', 'exponential', 'logarithm', 'logarithmOf1Plus']
export const isSlow = (does: Does) => SLOW.includes(does)
/** TF_DataTypes. What is true or false is a float within a chain. */
export const [FLOAT, INTEGER, BOOLEAN] = [1, 3, 10]

export const isSmall = ({ shape }: Signature) => sizeOf(shape) <= SMALL
/** Whether the program takes what has that shape. */
export const fits = (x: Signature, { isWhole }: ChainProgram) => isWhole || isSmall(x)
export const isFloat = ({ dtype }: Signature) => dtype === FLOAT
export const moved = ({ slot, offset }: Place, by: number): Place => ({ slot, offset: offset + by })

/**
 * A part of x, or x with its axes in another order: the same memory where it is in one piece there. Of a variable it is a copy, which
 * stays what it is when the variable is written.
 */
export function viewOf(
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

/** A place for a result, or none where it is empty. */
export const roomFor = ({ shape }: Signature, program: ChainProgram) =>
  sizeOf(shape) ? program.room(sizeOf(shape)) : ABSENT
export const placeOrNone = (x: Operand) => (sizeOf(x.shape) ? x.place : ABSENT)
