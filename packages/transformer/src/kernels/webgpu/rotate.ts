// Letters: B batch, L tokens, H heads, D headDim.
import type * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'
import type { DeviceRotation } from '../rotate.js'
import { runKernel } from './dispatch.js'
import { flat, flatWorkgroups } from './grid.js'

/** `forwards`: x·cos + swap(x)·sin; else the transpose of it, x·cos + swap(x·sin). Values are copied. */
const code = (forwards: boolean) =>
  flat(`
  let feature = i % u.headDim;
  let other = i - feature + u32(partner[feature]);
  let part = (i % u.width) / u.modelDim;
  let row = (i / u.width) % u.length * u.headDim;
  let at = row + feature;
  let sinAt = ${forwards ? 'at' : 'row + u32(partner[feature])'};
  switch part {
    case 0u: { result[i] = x[i] * queryCos[at] + x[other] * querySin[sinAt]; }
    case 1u: { result[i] = x[i] * keyCos[at] + x[other] * keySin[sinAt]; }
    default: { result[i] = x[i]; }
  }`)

/**
 * Rotates queries and keys in the tensor that holds them with the values; one dispatch, and one for the gradient.
 *
 * @param qkv - shape [B·L, 3·H·D]
 * @param queries - tables of L positions; of keys, too
 */
export function rotatePacked(
  qkv: tf.Tensor2D,
  batchSize: number,
  queries: DeviceRotation,
  keys: DeviceRotation,
): tf.Tensor2D {
  const [rows, width] = qkv.shape
  const uniforms = {
    size: rows * width,
    width,
    modelDim: width / 3,
    headDim: queries.partner.size,
    length: rows / batchSize,
  }
  const names = ['queryCos', 'querySin', 'keyCos', 'keySin']
  const tables = [queries.cos, queries.sin, keys.cos, keys.sin]
  const run = (name: string, forwards: boolean, [x, partner, ...tables]: readonly tf.Tensor[]) =>
    runKernel({
      name,
      code: code(forwards),
      inputs: [
        { name: 'x', element: 'f32', tensor: x! },
        { name: 'partner', element: 'i32', tensor: partner! },
        ...tables.map((tensor, i) => ({ name: names[i]!, element: 'f32', tensor }) as const),
      ],
      outputs: [{ name: 'result', element: 'f32', shape: [rows, width] }],
      uniforms,
      workgroups: flatWorkgroups(rows * width),
    })
  const forward = customGrad(([x], save) => {
    const shared = [queries.partner, ...tables]
    save(shared)
    return {
      value: run('rotation', true, [x!, ...shared])[0]!,
      gradient: (dy, saved) => run('rotation gradient', false, [dy, ...saved]),
    }
  })
  return forward(qkv) as tf.Tensor2D
}
