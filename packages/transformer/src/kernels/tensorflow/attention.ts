// Letters: B batch, L tokens, H heads, Q/K queries/keys, D headDim.
import * as tf from '@tensorflow/tfjs'
import type { AttentionInputs, AttentionKernel, ProjectedInputs } from '../attention/kernel.js'
import type { AttentionProblem } from '../attention/problem.js'
import { customGrad } from '../custom-grad.js'
import { hasOperations, tensorflowOp } from './tensorflow-op.js'

/** Fewer queries leave most of a tile of 64 empty. */
const LEAST_QUERIES = 8
/**
 * Attention as two operations of our own for TensorFlow on processors, forward and backward: tiles of scores that never leave the
 * cache, without the keys whose weight is zero (FlashAttention; Dao et al., 2022). `native/attention.inc` of `@alibi/backend`
 * has them.
 */
export const native: AttentionKernel = {
  name: 'native',
  takes: [
    ...(['linear bias', 'table bias', 'trained bias', 'padding'] as const),
    ...(['window', 'sinks', 'gate', 'documents'] as const),
  ],
  refuses({ backend, headDim, numQueries, skipTolerance }) {
    if (backend !== 'tensorflow') return `runs on tensorflow, not on ${backend}`
    if (!hasOperations()) return 'needs the operations that @alibi/backend registers with TensorFlow on processors'
    if (headDim % 4 !== 0 || headDim > 256) return 'takes a headDim that is a multiple of 4 up to 256'
    if (numQueries < LEAST_QUERIES) return `is for ${LEAST_QUERIES} queries or more`
    return skipTolerance > 0 ? 'keeps every key that has weight' : undefined
  },
  run: (problem, { q, k, v, ...others }) => differentiable(problem, { q, k, v }, others) as tf.Tensor4D,
  runProjected: (problem, { qkv, ...others }) => differentiable(problem, { qkv }, others) as tf.Tensor2D,
}

type Named = Readonly<Record<string, tf.Tensor>>
type Others = Omit<AttentionInputs, 'q' | 'k' | 'v'> & Pick<ProjectedInputs, 'rotation'>

/** Attention of q, k and v, or of qkv. */
function differentiable(problem: AttentionProblem, tensors: Named, others: Others): tf.Tensor {
  const { bias, gate, padding, documents, rotation } = others
  const trained = problem.asks.includes('trained bias')
    ? ({ none: undefined, linear: 'slopes', table: 'table', tiles: undefined } as const)[bias.kind]
    : undefined
  const fixed: Named = {
    ...(rotation && { rotation: rotation.table }),
    ...(bias.kind === 'linear' && { slopes: bias.slopes }),
    ...(bias.kind === 'table' && { table: bias.table }),
    ...(padding && { padding }),
    ...(documents && { documents }),
  }
  const inputs: Named = { ...tensors, ...(trained && { [trained]: fixed[trained]! }), ...(gate && { gate }) }
  const attributes = {
    batch_size: problem.batchSize,
    num_heads: problem.numHeads,
    pair_stride: rotation?.pairStride ?? 0,
    window: problem.window ?? 0,
    sinks: problem.sinks ?? 0,
    projected: Number('qkv' in tensors),
    trains_slopes: Number(trained === 'slopes'),
    trains_table: Number(trained === 'table'),
  }
  const forward = (given: Named) => {
    const all = { ...fixed, ...given }
    const [out, logSums] = tensorflowOp('AlibiAttention', attributes, inputsOf(all), 2)
    return { value: out!, saved: { ...all, out: out!, logSums: logSums! } }
  }
  return customGrad(inputs, forward, (dOut, saved) => {
    const { out, logSums } = saved as Named
    const all = [...inputsOf(saved as Named), out!, logSums!, dOut]
    const [dQ, dK, dV, dSlopes, dTable, dGate] = tensorflowOp('AlibiAttentionGradient', attributes, all, 6)
    return {
      ...('qkv' in tensors ? { qkv: dQ! } : { q: dQ!, k: dK!, v: dV! }),
      ...(trained === 'slopes' && { slopes: tf.sum(dSlopes!, 0) }),
      ...(trained === 'table' && { table: tf.sum(dTable!, 0) }),
      ...(gate && { gate: dGate! }),
    }
  })
}

/** In the order of the operations; what is not there is empty. */
function inputsOf(all: Named): tf.Tensor[] {
  const nothing = tf.tensor1d([], 'float32')
  const { qkv = nothing, q = qkv, k = q, v = q } = all
  const rest = ['rotation', 'slopes', 'table', 'gate', 'padding', 'documents'].map((name) => all[name] ?? nothing)
  return [q, k, v, ...rest]
}
