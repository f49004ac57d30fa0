import type { TensorOps } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../kernels/custom-grad.js'
import { gatherRows } from '../kernels/plain/gather-rows.js'
import { interpolate } from '../kernels/plain/interpolate.js'
import { runningSums } from '../kernels/plain/running-sums.js'

/** What strategies compute with, on whichever TensorFlow.js backend is selected. */
export const tfOps: TensorOps<tf.Tensor> = {
  tensor: (data, shape) => tf.tensor(Float32Array.from(data), [...shape]),
  reshape: (x, shape) => tf.reshape(x, [...shape]),
  transpose: (x, axes) => tf.transpose(x, [...axes]),
  gather: (x, indices, axis) => gatherAt(x, tf.tensor1d(indices, 'int32'), axis),
  matmul: (a, b) => tf.matMul(a, b),
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  div: tf.div,
  pow: tf.pow,
  maximum,
  neg: tf.neg,
  abs: tf.abs,
  exp: tf.exp,
  log1p: tf.log1p,
  relu: tf.relu,
  sigmoid: tf.sigmoid,
  logSigmoid,
  cos: tf.cos,
  sin: tf.sin,
  sum: (x, axis) => tf.sum(x, axis, true),
  cumulativeSum,
  interpolate,
}

/** Slices of x along an axis, at indices [N]. */
export const gatherAt = (x: tf.Tensor, indices: tf.Tensor1D, axis: number): tf.Tensor =>
  axis === 0 ? gatherRows(x, indices) : tf.gather(x, indices, axis)

/** tf.cumsum's own gradient has the wrong shape for other axes than the last. */
function cumulativeSum(x: tf.Tensor, axis: number): tf.Tensor {
  const last = x.rank - 1
  if (axis === last) return tf.reshape(runningSums(tf.reshape(x, [-1, x.shape[last]!])), x.shape)
  const swapped = x.shape.map((_, at) => (at === axis ? last : at === last ? axis : at))
  return tf.transpose(cumulativeSum(tf.transpose(x, swapped), last), swapped)
}

/** Finite for every finite x. tf.logSigmoid's own gradient reads a tensor that a tidy may have freed. */
function logSigmoid(x: tf.Tensor): tf.Tensor {
  return customGrad(
    { x },
    ({ x }) => ({ value: tf.sub(tf.minimum(x, 0), tf.log1p(tf.exp(tf.neg(tf.abs(x))))), saved: { x } }),
    (dy, { x }) => ({ x: tf.mul(dy, tf.sigmoid(tf.neg(x))) }),
  )
}

/** tf.maximum's own gradient does not sum over broadcast axes; relu's does: max(a, b) = b + relu(a − b). */
function maximum(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.add(b, tf.relu(tf.sub(a, b)))
}
