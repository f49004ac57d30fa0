// Letters: N tokens, V vocabularySize.
import type * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'
import { runKernel } from './dispatch.js'
import { byRow, flat, flatWorkgroups, workgroups } from './grid.js'
import { wgsl } from './wgsl.js'

/** Each thread has its own largest logit until all are known: sums are then of the row's. */
const FORWARD = byRow(wgsl`
  var top = -3e38;
  for (var i = thread; i < u.columns; i += 64u) { top = max(top, logits[row * u.columns + i]); }
  workgroupBarrier();
  partial[thread] = top;
  workgroupBarrier();
  for (var i = 0u; i < 64u; i++) { top = max(top, partial[i]); }
  var sum = 0.0;
  for (var i = thread; i < u.columns; i += 64u) { sum += exp(logits[row * u.columns + i] - top); }
  sum = sum64(sum, thread);
  if (thread == 0u) {
    losses[row] = log(sum) + top - logits[row * u.columns + u32(targets[row])];
    stats[row] = vec2f(top, sum);
  }`)

const BACKWARD = flat(wgsl`
  let row = i / u.columns;
  let stat = stats[row];
  let isTarget = u32(targets[row]) == i % u.columns;
  dLogits[i] = (exp(logits[i] - stat.x) / stat.y - select(0.0, 1.0, isTarget)) * dy[row];`)

/** Cross-entropy and its gradient in one dispatch each. Arguments and result as `crossEntropy`'s. */
export function fusedCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor1D {
  const [rows, columns] = logits.shape
  const labels = (targets: tf.Tensor) => ({ name: 'targets', element: 'i32', tensor: targets }) as const
  const floats = (name: string, tensor: tf.Tensor) => ({ name, element: 'f32', tensor }) as const
  const forward = (logits: tf.Tensor2D) => {
    const [losses, stats] = runKernel({
      name: 'cross-entropy',
      code: FORWARD,
      inputs: [floats('logits', logits), labels(targets)],
      outputs: [
        { name: 'losses', element: 'f32', shape: [rows] },
        { name: 'stats', element: 'vec2f', shape: [rows, 2] },
      ],
      uniforms: { rows, columns },
      workgroups: workgroups(rows),
    })
    return { value: losses as tf.Tensor1D, saved: { logits, targets, stats: stats! } }
  }
  const gradient = (dy: tf.Tensor, { logits, targets, stats }: Record<'logits' | 'targets' | 'stats', tf.Tensor>) => {
    const [dLogits] = runKernel({
      name: 'cross-entropy gradient',
      code: BACKWARD,
      inputs: [
        floats('logits', logits),
        floats('dy', dy),
        labels(targets),
        { name: 'stats', element: 'vec2f', tensor: stats },
      ],
      outputs: [{ name: 'dLogits', element: 'f32', shape: [rows, columns] }],
      uniforms: { size: rows * columns, columns },
      workgroups: flatWorkgroups(rows * columns),
    })
    return { logits: dLogits! }
  }
  return customGrad({ logits }, ({ logits }) => forward(logits), gradient)
}
