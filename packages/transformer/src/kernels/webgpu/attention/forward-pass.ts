import type * as tf from '@tensorflow/tfjs'
import { runKernel } from '../dispatch.js'
import { boundsCode } from './bounds.js'
import { forwardCode } from './forward.js'
import { BIAS, bind, type KernelPlan, type Named, QKV } from './plan.js'

/** Runs the forward kernel, and before it the one that finds what has no weight. */
export function forwardPass(plan: KernelPlan, tensors: Named, outShape: number[]): Named & { readonly out: tf.Tensor } {
  const { shape, bias, uniforms, heads, queryTiles, keyTiles, problem } = plan
  const numBounds = queryTiles + keyTiles + uniforms.tableTiles!
  const [bounds] = bias.skipping
    ? runKernel({
        name: 'attention bounds',
        code: boundsCode(shape, bias),
        inputs: bind(tensors, ['qkv', 'q', 'k', 'rotation', 'table', 'gate', 'padding']),
        outputs: [{ name: 'bounds', element: 'vec4f', shape: [heads, numBounds, 4] }],
        uniforms,
        workgroups: [numBounds, heads],
      })
    : []
  const [out, logSums] = runKernel({
    name: 'attention',
    code: forwardCode(shape, bias),
    inputs: bind({ ...tensors, ...(bounds && { bounds }) }, [...QKV, 'rotation', ...BIAS]),
    outputs: [
      { name: 'out', element: 'vec4f', shape: outShape },
      { name: 'logSums', element: 'vec2f', shape: [heads, problem.numQueries, 2] },
    ],
    uniforms,
    workgroups: [queryTiles, heads],
  })
  return { out: out!, logSums: logSums!, ...(bounds && { bounds }) }
}
