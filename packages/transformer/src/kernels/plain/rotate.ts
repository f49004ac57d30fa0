// Letters: B batch, H heads, L tokens.
import type { RotationTables } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'

/** Rotation tables on the device. */
export interface DeviceRotation {
  /** [L, headDim], or [B or 1, H or 1, L, headDim] where rows or heads differ. */
  readonly cos: tf.Tensor
  readonly sin: tf.Tensor
  /** The permutation that swaps each feature with its partner; [headDim, headDim], symmetric. */
  readonly swap: tf.Tensor2D
}

/** Makes a tensor of tables. */
type Upload = (numbersOf: (tables: readonly RotationTables[]) => Float32Array, shape: number[]) => tf.Tensor

/**
 * @param tables - one for all rows of a batch, or one a row
 * @param numHeads - H, where tables differ by head
 * @param upload - where the tables are not those of every run
 */
export function toDevice(
  tables: readonly RotationTables[],
  numHeads = 1,
  upload: Upload = (numbersOf, shape) => tf.tensor(numbersOf(tables), shape),
): DeviceRotation {
  const headDim = tables[0]!.partner.length
  const rows = [tables[0]!.cos.length / headDim / numHeads, headDim]
  // Axes of 1 in front would change nothing but how XLA fuses, and so the last digits.
  const shape = tables.length === 1 && numHeads === 1 ? rows : [tables.length, numHeads, ...rows]
  return {
    cos: upload((all) => joined(all.map(({ cos }) => cos)), shape),
    sin: upload((all) => joined(all.map(({ sin }) => sin)), shape),
    swap: swapOf(tables[0]!.partner),
  }
}

function joined(values: readonly Float64Array[]): Float32Array {
  const all = new Float32Array(values.length * values[0]!.length)
  values.forEach((each, i) => {
    all.set(each, i * each.length)
  })
  return all
}

/** The permutation that swaps each feature with its partner. */
export function swapOf(partner: Int32Array): tf.Tensor2D {
  const headDim = partner.length
  const swap = new Float32Array(headDim * headDim)
  partner.forEach((to, from) => {
    swap[to * headDim + from] = 1
  })
  return tf.tensor2d(swap, [headDim, headDim])
}

/**
 * x·cos + swap(x)·sin (RoFormer, eq. 34). The swap is a product with a permutation matrix: one fast operation on every
 * backend, whatever the pairing, and its own gradient.
 *
 * @param x - queries or keys; shape [B, H, L, headDim]
 * @returns the shape of `x`
 */
export function applyRotation(x: tf.Tensor4D, { cos, sin, swap }: DeviceRotation): tf.Tensor4D {
  return customGrad(
    { x },
    ({ x }) => ({
      value: tf.add<tf.Tensor4D>(tf.mul(x, cos), tf.mul(swapped(x, swap), sin)),
      saved: { cos, sin, swap },
    }),
    (dy, { cos, sin, swap }) => ({ x: tf.add(tf.mul(dy, cos), swapped(tf.mul(dy, sin), swap)) }),
  )
}

const swapped = (x: tf.Tensor, swap: tf.Tensor2D): tf.Tensor =>
  tf.reshape(tf.matMul(tf.reshape(x, [-1, swap.shape[0]]) as tf.Tensor2D, swap), x.shape)
