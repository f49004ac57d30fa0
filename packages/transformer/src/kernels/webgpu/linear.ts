import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'
import { runKernel } from './dispatch.js'
import { byColumn, columnWorkgroups } from './grid.js'

const SUM_ROWS = byColumn('sum.x += x[row * u.columns + column];', 'result[column] = sum.x;')

/** x·weight + bias with the sum in the product's kernel; three dispatches backwards. */
export function fusedLinear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor | undefined): tf.Tensor2D {
  if (!bias) return tf.matMul(x, weight)
  const forward = customGrad(([x, weight, bias], save) => {
    const [a, b] = [x, weight] as tf.Tensor2D[]
    save([a!, b!])
    return {
      value: tf.fused.matMul({ a: a!, b: b!, transposeA: false, transposeB: false, bias: bias! }),
      gradient(dy, [x, weight]) {
        const [rows, columns] = dy.shape as [number, number]
        const [dBias] = runKernel({
          name: 'sum of rows',
          code: SUM_ROWS,
          inputs: [{ name: 'x', element: 'f32', tensor: dy }],
          outputs: [{ name: 'result', element: 'f32', shape: [columns] }],
          uniforms: { rows, columns },
          workgroups: columnWorkgroups(columns),
        })
        return [tf.matMul(dy, weight!, false, true), tf.matMul(x!, dy, true, false), dBias!]
      },
    }
  })
  return forward(x, weight, bias) as tf.Tensor2D
}
