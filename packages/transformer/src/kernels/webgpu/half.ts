// float16 storage: four numbers in a vec2u, with what every WebGPU device has, so that none needs the feature shader-f16.
import type * as tf from '@tensorflow/tfjs'
import { runKernel } from './dispatch.js'
import { flat, flatWorkgroups } from './grid.js'
import { wgsl } from './wgsl.js'

export const unpackCode = wgsl`
fn unpack(four: vec2u) -> vec4f {
  return vec4f(unpack2x16float(four.x), unpack2x16float(four.y));
}`

/** What float16 cannot hold is undefined in WGSL: it becomes NaN, so that it shows. */
const code = flat(wgsl`
  let four = x[i];
  let packed = vec2u(pack2x16float(four.xy), pack2x16float(four.zw));
  result[i] = select(vec2u(0x7e007e00u), packed, all(abs(four) <= vec4f(65504.0)));`)

/**
 * Rounds to one of the two float16 next to a number; WGSL leaves open to which.
 *
 * @param x - its last dimension a multiple of 4
 * @returns bits, two numbers in an int32; the shape of `x` with half its last dimension
 */
export function toHalf(x: tf.Tensor): tf.Tensor {
  const size = x.size / 4
  return runKernel({
    name: 'attention storage',
    code,
    inputs: [{ name: 'x', element: 'vec4f', tensor: x }],
    outputs: [
      { name: 'result', element: 'vec2u', shape: [...x.shape.slice(0, -1), x.shape.at(-1)! / 2], dtype: 'int32' },
    ],
    uniforms: { size },
    workgroups: flatWorkgroups(size),
  })[0]!
}
