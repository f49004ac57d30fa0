// Letters: B batch, H heads, Q/K queries/keys, D headDim, N distances.
import * as tf from '@tensorflow/tfjs'
import type { AttentionKernel, ProjectedInputs } from '../../attention/kernel.js'
import type { AttentionProblem } from '../../attention/problem.js'
import { customGrad } from '../../custom-grad.js'
import { deviceLimits, type Kernel, runKernel } from '../dispatch.js'
import { toHalf } from '../half.js'
import { keyGradientCode, queryGradientCode, statsCode, tableGradientCode } from './backward.js'
import type { BiasShape } from './bias.js'
import { boundsCode } from './bounds.js'
import { forwardCode } from './forward.js'
import { turnPacked } from './rotation.js'
import type { TileShape } from './tiles.js'

/** Tiles of keys from which on it pays to look for those that have no weight. */
const SKIP_FROM = 8

/** Attention in WGSL: one kernel forward, three to five backward (FlashAttention; Dao et al., 2022). */
export const fused: AttentionKernel = {
  name: 'fused',
  takes: ['linear bias', 'table bias', 'trained bias', 'position gaps', 'padding', 'float16 storage'],
  refuses(problem) {
    const { backend, headDim } = problem
    if (backend !== 'webgpu') return `runs on webgpu, not on ${backend}`
    if (headDim % 4 !== 0 || headDim > 128) return 'takes a headDim that is a multiple of 4 up to 128'
    const [needed, most] = [numBuffers(problem), deviceLimits().maxStorageBuffersPerShaderStage]
    return needed > most ? `binds ${needed} buffers, of which the device allows ${most}` : undefined
  },
  run: (problem, { q, k, v, bias, padding }) =>
    differentiable(problem, { q, k, v }, q.shape, { bias, padding }) as tf.Tensor4D,
  runProjected: (problem, { qkv, ...inputs }) =>
    differentiable(problem, { qkv }, [qkv.shape[0], qkv.shape[1] / 3], inputs) as tf.Tensor2D,
}

const hasBias = ({ asks }: AttentionProblem) => asks.includes('linear bias') || asks.includes('table bias')

/** The gradient of keys and values binds most: two outputs, five inputs, and what bias and mask need. It needs no rotation. */
const numBuffers = (problem: AttentionProblem) =>
  7 +
  [hasBias(problem), problem.asks.includes('position gaps'), problem.asks.includes('padding')].filter(Boolean).length

/**
 * Whether some keys may have no weight, and the device can bind what tells which. Not where a table is trained: one a layer
 * has the most dispatches of all, and skipping would add another to each.
 */
function canSkip(problem: AttentionProblem): boolean {
  const { asks } = problem
  if (asks.includes('table bias') && asks.includes('trained bias')) return false
  const mayFall = hasBias(problem) && !asks.includes('position gaps')
  return (mayFall || asks.includes('padding')) && numBuffers(problem) < deviceLimits().maxStorageBuffersPerShaderStage
}

/** Everything but queries, keys and values. */
type Inputs = Pick<ProjectedInputs, 'bias' | 'padding' | 'rotation'>

type Named = Readonly<Record<string, tf.Tensor>>

/** Everything that a pass's kernels share. */
interface Plan {
  readonly shape: TileShape
  readonly bias: BiasShape
  readonly problem: AttentionProblem
  /** The shapes of q, k and v, or of qkv. */
  readonly shapes: Readonly<Record<string, readonly number[]>>
  readonly uniforms: Readonly<Record<string, number>>
  readonly heads: number
  readonly queryTiles: number
  readonly keyTiles: number
  readonly trained: 'slopes' | 'table' | undefined
}

function differentiable(problem: AttentionProblem, tensors: Named, outShape: number[], given: Inputs): tf.Tensor {
  const plan = planOf(problem, tensors, given)
  const shared = sharedTensors(given)
  const inputs: Named = plan.trained ? { ...tensors, [plan.trained]: shared[plan.trained]! } : tensors
  const forward = (given: Named) => {
    const all = { ...shared, ...stored(plan, given) }
    const made = forwardPass(plan, all, outShape)
    return { value: made.out, saved: { ...all, ...made } }
  }
  return customGrad(inputs, forward, (dOut, saved) => turnedBackwardPass(plan, { ...saved, dOut }))
}

/** Queries, keys and values as the kernels read them. */
const stored = ({ shape, shapes }: Plan, given: Named): Named =>
  shape.half
    ? Object.fromEntries(Object.entries(given).map(([name, x]) => [name, shapes[name] ? toHalf(x) : x]))
    : given

function sharedTensors({ bias, padding, rotation }: Inputs): Named {
  return {
    ...(rotation && { rotation: rotation.table }),
    ...(bias.kind === 'linear' && { slopes: bias.slopes }),
    ...(bias.kind === 'linear' && !bias.consecutive && { positions: bias.keys }),
    ...(bias.kind === 'table' && { table: bias.table }),
    ...(padding && { padding }),
  }
}

function planOf(problem: AttentionProblem, tensors: Named, { bias, rotation }: Inputs): Plan {
  const packed = 'qkv' in tensors
  const { asks, batchSize, numHeads, numQueries, numKeys, headDim } = problem
  const limits = deviceLimits()
  const large = limits.maxComputeWorkgroupStorageSize >= 32768 && limits.maxComputeInvocationsPerWorkgroup >= 256
  const tile = large && numQueries > 32 && numKeys > 64 ? 64 : 32
  const [queryTiles, keyTiles] = [Math.ceil(numQueries / tile), Math.ceil(numKeys / tile)]
  const kind = bias.kind as BiasShape['kind']
  const tableLength = bias.kind === 'table' ? bias.table.shape[1]! : 0
  const part = headDim / 4
  const row = numHeads * part
  const rows = (name: string, length: number, width: number) =>
    packed
      ? { [`${name}Batch`]: length * width, [`${name}Head`]: part, [`${name}Row`]: width }
      : { [`${name}Batch`]: length * row, [`${name}Head`]: length * part, [`${name}Row`]: part }
  return {
    shape: { tile, headDim, packed, half: asks.includes('float16 storage'), pairStride: rotation?.pairStride },
    bias: {
      kind,
      positions: asks.includes('position gaps'),
      padding: asks.includes('padding'),
      skipping: keyTiles >= SKIP_FROM && canSkip(problem),
    },
    problem,
    shapes: Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape])),
    heads: batchSize * numHeads,
    queryTiles,
    keyTiles,
    trained: asks.includes('trained bias')
      ? ({ none: undefined, linear: 'slopes', table: 'table' } as const)[kind]
      : undefined,
    uniforms: {
      heads: numHeads,
      numQueries,
      numKeys,
      tableLength,
      queryTiles,
      keyTiles,
      tableTiles: Math.ceil(tableLength / tile),
      ...rows('q', numQueries, 3 * row),
      ...rows('k', numKeys, 3 * row),
      ...rows('o', numQueries, row),
      qOffset: 0,
      kOffset: packed ? row : 0,
      vOffset: packed ? 2 * row : 0,
      oOffset: 0,
    },
  }
}

const ELEMENTS: Record<string, Kernel['inputs'][number]['element']> = {
  q: 'vec4f',
  k: 'vec4f',
  v: 'vec4f',
  qkv: 'vec4f',
  out: 'vec4f',
  dOut: 'vec4f',
  stats: 'vec4f',
  rotation: 'vec4f',
  logSums: 'vec2f',
  bounds: 'vec2f',
  positions: 'i32',
}
const bind = (tensors: Named, names: readonly string[]): Kernel['inputs'] =>
  names
    .filter((name) => tensors[name])
    .map((name) => ({ name, element: elementOf(name, tensors[name]!), tensor: tensors[name]! }))

/** Queries, keys and values as integers are pairs of float16. */
const elementOf = (name: string, { dtype }: tf.Tensor) =>
  dtype === 'int32' && QKV.includes(name) ? 'vec2u' : (ELEMENTS[name] ?? 'f32')

const QKV = ['qkv', 'q', 'k', 'v']
const BIAS = ['slopes', 'table', 'positions', 'padding', 'bounds']

function forwardPass(plan: Plan, tensors: Named, outShape: number[]): Named & { readonly out: tf.Tensor } {
  const { shape, bias, uniforms, heads, queryTiles, keyTiles, problem } = plan
  const numBounds = queryTiles + keyTiles + uniforms.tableTiles!
  const [bounds] = bias.skipping
    ? runKernel({
        name: 'attention bounds',
        code: boundsCode(shape, bias),
        inputs: bind(tensors, ['qkv', 'q', 'k', 'rotation', 'table', 'padding']),
        outputs: [{ name: 'bounds', element: 'vec2f', shape: [heads, numBounds, 2] }],
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

/**
 * Turned on load, the backward pass would turn each key once for every query that meets it, as its products read keys and
 * queries from where they are: so it turns all of them once, and their gradients back.
 */
function turnedBackwardPass(plan: Plan, saved: Named): Named {
  const { shape, shapes, problem } = plan
  if (!shape.pairStride) return backwardPass(plan, saved)
  const turn = (way: 'turn' | 'turn back', x: tf.Tensor) =>
    turnPacked(
      way,
      x,
      shapes.qkv as [number, number],
      { table: saved.rotation!, pairStride: shape.pairStride! },
      problem,
    )
  const turned = { ...saved, qkv: turn('turn', saved.qkv!) }
  const gradients = backwardPass({ ...plan, shape: { ...shape, half: false, pairStride: undefined } }, turned)
  return { ...gradients, qkv: turn('turn back', gradients.qkv!) }
}

/** @returns the gradient of each of q, k, v or qkv, and of what is trained, by name */
function backwardPass(plan: Plan, saved: Named): Named {
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
  const [dk, dv] = runKernel({
    name: 'attention gradient of keys and values',
    code: keyGradientCode(shape, bias),
    inputs: bind(all, [...names, ...BIAS]),
    outputs: shape.packed ? [{ ...like('qkv'), tensor: dFirst! }] : [like('k'), like('v')],
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
    ...(shape.packed ? { qkv: dFirst! } : { q: dFirst!, k: dk!, v: dv! }),
    ...(trained === 'slopes' && { slopes: overBatch(onSlopes!, queryTiles) }),
    ...(trained === 'table' && { table: overBatch(table(), uniforms.tableLength!) }),
  }
}
