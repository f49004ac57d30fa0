// Letters: B batch, H heads, L tokens.
import type { RotationTables } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'

/** Rotation tables on the device. */
export interface DeviceRotation {
  /** [L, headDim], or [B, 1, L, headDim] when rows differ. */
  readonly cos: tf.Tensor
  readonly sin: tf.Tensor
  /** The permutation that swaps each feature with its partner; [headDim, headDim], symmetric. */
  readonly swap: tf.Tensor2D
}

export function toDevice({ cos, sin, partner }: RotationTables): DeviceRotation {
  const headDim = partner.length
  const shape: [number, number] = [cos.length / headDim, headDim]
  const swap = new Float32Array(headDim * headDim)
  partner.forEach((to, from) => {
    swap[to * headDim + from] = 1
  })
  return {
    cos: tf.tensor2d(Float32Array.from(cos), shape),
    sin: tf.tensor2d(Float32Array.from(sin), shape),
    swap: tf.tensor2d(swap, [headDim, headDim]),
  }
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
