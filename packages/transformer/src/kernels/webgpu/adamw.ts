import * as tf from '@tensorflow/tfjs'
import type { AdamwState, Update } from '../plain/optimizers.js'
import { deviceLimits, runKernel } from './dispatch.js'
import { flat, flatWorkgroups } from './grid.js'
import { wgsl } from './wgsl.js'

/** Buffers besides the parameters: gradient, both moments, the step's numbers, the factor of clipping. */
const OTHERS = 5

/**
 * AdamW of as many parameters in one dispatch as a kernel may bind. Their buffers are written to, so clones made before
 * change with them.
 */
export function fusedAdamw(update: Update, { firstMoment, secondMoment, beta1, beta2 }: AdamwState): void {
  const { parameters, gradient, hyperparameters, weightDecay } = update
  const factor = update.factor ?? tf.scalar(1)
  const atATime = deviceLimits().maxStorageBuffersPerShaderStage - OTHERS
  const inPlace = (name: string, tensor: tf.Tensor) => ({ name, element: 'f32', shape: tensor.shape, tensor }) as const
  const input = (name: string, tensor: tf.Tensor) => ({ name, element: 'f32', tensor }) as const
  let offset = 0
  for (let first = 0; first < parameters.length; first += atATime) {
    const group = parameters.slice(first, first + atATime)
    const size = group.reduce((sum, { value }) => sum + value.size, 0)
    const floats = { beta1, beta2, weightDecay }
    const ends: Record<string, number> = {}
    const decays: Record<string, number> = {}
    let end = 0
    group.forEach(({ value, decays: decay }, p) => {
      end += value.size
      ends[`end${p}`] = end
      decays[`decays${p}`] = Number(decay)
    })
    runKernel({
      name: 'AdamW',
      code: adamwCode(group.length),
      inputs: [input('gradient', gradient), input('hyperparameters', hyperparameters), input('factor', factor)],
      outputs: [
        inPlace('firstMoment', firstMoment),
        inPlace('secondMoment', secondMoment),
        ...group.map(({ value }, p) => inPlace(`p${p}`, value)),
      ],
      uniforms: { ...floats, size, offset, ...ends, ...decays },
      floats: Object.keys(floats),
      workgroups: flatWorkgroups(size),
    })
    offset += size
  }
}

const adamwCode = (count: number) =>
  flat(wgsl`
  let at = u.offset + i;
  let g = gradient[at] * factor[0];
  let m = u.beta1 * firstMoment[at] + (1.0 - u.beta1) * g;
  let s = u.beta2 * secondMoment[at] + (1.0 - u.beta2) * g * g;
  firstMoment[at] = m;
  secondMoment[at] = s;
  let rate = hyperparameters[0];
  let update = m / (sqrt(s) + hyperparameters[2]) * hyperparameters[1] * rate;
  ${Array.from(
    { length: count },
    (_, p) => wgsl`
  ${p ? 'else ' : ''}if (i < u.end${p}) {
    let j = i - ${p ? `u.end${p - 1}` : '0u'};
    let kept = select(0.0, p${p}[j] * rate * u.weightDecay, u.decays${p} == 1u);
    p${p}[j] = p${p}[j] - kept - update;
  }`,
  ).join('')}`)
