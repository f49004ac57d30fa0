// Letters: B batch, L tokens, H heads, D headDim.
import type * as tf from '@tensorflow/tfjs'
import type { AttentionKernel } from '../../attention/kernel.js'
import type { AttentionProblem } from '../../attention/problem.js'
import { customGrad } from '../../custom-grad.js'
import { deviceLimits } from '../dispatch.js'
import { toHalf } from '../half.js'
import { backwardPass } from './backward-pass.js'
import { forwardPass } from './forward-pass.js'
import { type FusedInputs, type KernelPlan, type Named, numBuffers, planOf } from './plan.js'

/** Attention in WGSL: one kernel forward, three to five backward (FlashAttention; Dao et al., 2022). */
export const fused: AttentionKernel = {
  name: 'fused',
  takes: [
    ...(['linear bias', 'table bias', 'trained bias', 'position gaps', 'padding'] as const),
    ...(['window', 'sinks', 'gate', 'float16 storage'] as const),
  ],
  refuses(problem) {
    const { backend, headDim } = problem
    if (backend !== 'webgpu') return `runs on webgpu, not on ${backend}`
    if (headDim % 4 !== 0 || headDim > 128) return 'takes a headDim that is a multiple of 4 up to 128'
    const needed = numBuffers(problem)
    const most = deviceLimits().maxStorageBuffersPerShaderStage
    return needed > most ? `binds ${needed} buffers, of which the device allows ${most}` : undefined
  },
  run: (problem, { q, k, v, bias, padding, gate }) =>
    differentiable(problem, { q, k, v }, q.shape, { bias, padding, gate }) as tf.Tensor4D,
  runProjected: (problem, { qkv, ...inputs }) =>
    differentiable(problem, { qkv }, [qkv.shape[0], qkv.shape[1] / 3], inputs) as tf.Tensor2D,
}

function differentiable(problem: AttentionProblem, tensors: Named, outShape: number[], given: FusedInputs): tf.Tensor {
  const plan = planOf(problem, tensors, given)
  const shared = sharedTensors(given)
  const { gate } = given
  const inputs: Named = {
    ...tensors,
    ...(plan.trained && { [plan.trained]: shared[plan.trained]! }),
    ...(gate && { gate }),
  }
  const forward = (given: Named) => {
    const all = { ...shared, ...stored(plan, given) }
    const made = forwardPass(plan, all, outShape)
    return { value: made.out, saved: { ...all, ...made } }
  }
  return customGrad(inputs, forward, (dOut, saved) => backwardPass(plan, { ...saved, dOut }))
}

/** Queries, keys and values as the kernels read them. */
const stored = ({ shape, shapes }: KernelPlan, given: Named): Named =>
  shape.half
    ? Object.fromEntries(Object.entries(given).map(([name, x]) => [name, shapes[name] ? toHalf(x) : x]))
    : given

function sharedTensors({ bias, padding, rotation }: FusedInputs): Named {
  return {
    ...(rotation && { rotation: rotation.table }),
    ...(bias.kind === 'linear' && { slopes: bias.slopes }),
    ...(bias.kind === 'linear' && !bias.consecutive && { positions: bias.keys }),
    ...(bias.kind === 'table' && { table: bias.table }),
    ...(padding && { padding }),
  }
}
