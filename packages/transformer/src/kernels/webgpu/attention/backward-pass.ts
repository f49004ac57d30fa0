import * as tf from '@tensorflow/tfjs'
import { runKernel } from '../dispatch.js'
import { statsCode } from './backward.js'
import { keyGradientCode } from './key-gradient.js'
import { BIAS, bind, type KernelPlan, type Named, QKV } from './plan.js'
import { queryGradientCode } from './query-gradient.js'
import { turnPacked } from './rotation.js'
import { tableGradientCode } from './table-gradient.js'

/**
 * Turned on load, the backward pass would turn each key once for every query that meets it, as its products read keys and
 * queries from where they are: so it turns all of them once, and their gradients back.
 */
export function backwardPass(plan: KernelPlan, saved: Named): Named {
  const { shape, shapes, problem } = plan
  if (!shape.pairStride) return gradientsOf(plan, saved)
  const turn = (way: 'turn' | 'turn back', x: tf.Tensor) =>
    turnPacked(
      way,
      x,
      shapes.qkv as [number, number],
      { table: saved.rotation!, pairStride: shape.pairStride! },
      problem,
    )
  const turned = { ...saved, qkv: turn('turn', saved.qkv!) }
  const gradients = gradientsOf({ ...plan, shape: { ...shape, half: false, pairStride: undefined } }, turned)
  return { ...gradients, qkv: turn('turn back', gradients.qkv!) }
}

/** @returns the gradient of each of q, k, v or qkv, and of what is trained, by name */
function gradientsOf(plan: KernelPlan, saved: Named): Named {
  const { shape, shapes, bias, uniforms, heads, queryTiles, keyTiles, problem, trained } = plan
  const { numQueries, numHeads, batchSize } = problem
  const [stats] = runKernel({
    name: 'attention gradient statistics',
    code: statsCode(shape),
    inputs: bind(saved, ['out', 'dOut', 'logSums']),
    outputs: [{ name: 'stats', element: 'vec4f', shape: [heads, numQueries, 4] }],
    uniforms,
    workgroups: [queryTiles, heads],
  })
  const all = { ...saved, stats: stats! }
  const names = [...QKV, 'dOut', 'stats']
  const trainSlopes = trained === 'slopes'
  const like = (name: string) => ({ name: `d${name}`, element: 'vec4f', shape: shapes[name]! }) as const
  const [dFirst, onSlopes] = runKernel({
    name: 'attention gradient of queries',
    code: queryGradientCode(shape, bias, trainSlopes),
    inputs: bind(all, [...names, ...BIAS]),
    outputs: [
      like(shape.packed ? 'qkv' : 'q'),
      ...(trainSlopes ? [{ name: 'onSlopes', element: 'f32', shape: [heads, queryTiles] } as const] : []),
    ],
    uniforms,
    workgroups: [queryTiles, heads],
  })
  const ofKeys = runKernel({
    name: 'attention gradient of keys and values',
    code: keyGradientCode(shape, bias),
    inputs: bind(all, [...names, ...BIAS]),
    outputs: [
      ...(shape.packed ? [{ ...like('qkv'), tensor: dFirst! }] : [like('k'), like('v')]),
      ...(bias.gate ? [{ name: 'dGate', element: 'f32', shape: [batchSize, numHeads, problem.numKeys] } as const] : []),
    ],
    uniforms,
    workgroups: [keyTiles, heads],
  })
  const overBatch = (x: tf.Tensor, last: number) =>
    tf.sum(tf.reshape(x, [batchSize, numHeads, last]), trained === 'slopes' ? [0, 2] : 0)
  const table = () =>
    runKernel({
      name: 'attention gradient of the bias table',
      code: tableGradientCode(shape, bias),
      inputs: bind(all, [...names, ...BIAS]),
      outputs: [{ name: 'dTable', element: 'f32', shape: [heads, uniforms.tableLength!] }],
      uniforms,
      workgroups: [Math.ceil(uniforms.tableLength! / shape.tile), heads],
    })[0]!
  return {
    ...(shape.packed ? { qkv: dFirst! } : { q: dFirst!, k: ofKeys[0]!, v: ofKeys[1]! }),
    ...(bias.gate && { gate: ofKeys.at(-1)! }),
    ...(trained === 'slopes' && { slopes: overBatch(onSlopes!, queryTiles) }),
    ...(trained === 'table' && { table: overBatch(table(), uniforms.tableLength!) }),
  }
}
