import type * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'
import { runKernel } from './dispatch.js'
import { flat, flatWorkgroups } from './grid.js'
import { wgsl } from './wgsl.js'

const C = Math.sqrt(2 / Math.PI)
// tanh overflows in some drivers beyond ±44; it is ±1 long before.
const TANH = `tanh(clamp(value * (value * value * ${C * 0.044715} + ${C}), -20.0, 20.0))`
const FORWARD = flat(wgsl`
  let value = x[i];
  result[i] = 0.5 * value * (1.0 + ${TANH});`)
const BACKWARD = flat(wgsl`
  let value = x[i];
  let t = ${TANH};
  let slope = value * value * ${3 * C * 0.044715} + ${C};
  result[i] = dy[i] * 0.5 * (1.0 + t + value * slope * (1.0 - t * t));`)

/** GELU and its gradient in one dispatch each. */
export function fusedGelu<T extends tf.Tensor>(x: T): T {
  const run = (name: string, code: string, tensors: Record<string, tf.Tensor>) =>
    runKernel({
      name,
      code,
      inputs: Object.entries(tensors).map(([name, tensor]) => ({ name, element: 'f32', tensor })),
      outputs: [{ name: 'result', element: 'f32', shape: x.shape }],
      uniforms: { size: x.size },
      workgroups: flatWorkgroups(x.size),
    })[0]!
  return customGrad(
    { x },
    ({ x }) => ({ value: run('GELU', FORWARD, { x }) as T, saved: { x } }),
    (dy, { x }) => ({ x: run('GELU gradient', BACKWARD, { x, dy }) }),
  )
}
