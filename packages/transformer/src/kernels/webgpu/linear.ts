import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'
import { runKernel } from './dispatch.js'
import { byColumn, columnWorkgroups } from './grid.js'

const SUM_ROWS = byColumn('sum.x += x[row * u.columns + column];', 'result[column] = sum.x;')

/** x·weight + bias with the sum in the product's kernel; three dispatches backwards. */
export function fusedLinear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor | undefined): tf.Tensor2D {
  if (!bias) return tf.matMul(x, weight)
  return customGrad(
    { x, weight, bias },
    ({ x, weight, bias }) => ({
      value: tf.fused.matMul({ a: x, b: weight, transposeA: false, transposeB: false, bias }) as tf.Tensor2D,
      saved: { x, weight },
    }),
    (dy, { x, weight }) => {
      const [rows, columns] = dy.shape
      const [dBias] = runKernel({
        name: 'sum of rows',
        code: SUM_ROWS,
        inputs: [{ name: 'x', element: 'f32', tensor: dy }],
        outputs: [{ name: 'result', element: 'f32', shape: [columns] }],
        uniforms: { rows, columns },
        workgroups: columnWorkgroups(columns),
      })
      return { x: tf.matMul(dy, weight, false, true), weight: tf.matMul(x, dy, true, false), bias: dBias! }
    },
  )
}
