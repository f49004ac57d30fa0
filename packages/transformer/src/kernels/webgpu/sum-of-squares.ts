import * as tf from '@tensorflow/tfjs'
import { runKernel } from './dispatch.js'
import { byRow, workgroups } from './grid.js'
import { wgsl } from './wgsl.js'

/** Numbers a workgroup of 64 threads adds: 64 a thread, in a row, then a tree. */
const PART = 4096

const CODE = byRow(wgsl`
  var sum = 0.0;
  let end = min((row + 1u) * ${PART}u, u.size);
  for (var i = row * ${PART}u + thread; i < end; i += 64u) { sum += x[i] * x[i]; }
  sum = sum64(sum, thread);
  if (thread == 0u) { parts[row] = sum; }`)

/** Σ x², a scalar: parts first, so that no thread adds more than 64 numbers to one sum; webgpu's own adds them all in a row. */
export function fusedSumOfSquares(x: tf.Tensor1D): tf.Tensor {
  const rows = Math.ceil(x.size / PART)
  const [parts] = runKernel({
    name: 'sum of squares',
    code: CODE,
    inputs: [{ name: 'x', element: 'f32', tensor: x }],
    outputs: [{ name: 'parts', element: 'f32', shape: [rows] }],
    uniforms: { rows, size: x.size },
    workgroups: workgroups(rows),
  })
  return tf.sum(parts!)
}
