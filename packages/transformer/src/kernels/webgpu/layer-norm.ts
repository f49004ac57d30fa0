// Letters: N rows, D modelDim.
import type * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'
import { runKernel } from './dispatch.js'
import { byColumn, byRow, columnWorkgroups, workgroups } from './grid.js'
import { wgsl } from './wgsl.js'

const FORWARD = byRow(wgsl`
  var sum = 0.0;
  for (var i = thread; i < u.columns; i += 64u) { sum += x[row * u.columns + i]; }
  let mean = sum64(sum, thread) / f32(u.columns);
  sum = 0.0;
  for (var i = thread; i < u.columns; i += 64u) {
    let centered = x[row * u.columns + i] - mean;
    sum += centered * centered;
  }
  let inverse = inverseSqrt(sum64(sum, thread) / f32(u.columns) + u.epsilon);
  for (var i = thread; i < u.columns; i += 64u) {
    result[row * u.columns + i] = (x[row * u.columns + i] - mean) * inverse * scale[i] + shift[i];
  }
  if (thread == 0u) { stats[row] = vec2f(mean, inverse); }`)

const BACKWARD = byRow(wgsl`
  let stat = stats[row];
  var sum = 0.0;
  var along = 0.0;
  for (var i = thread; i < u.columns; i += 64u) {
    let d = dy[row * u.columns + i] * scale[i];
    sum += d;
    along += d * (x[row * u.columns + i] - stat.x) * stat.y;
  }
  sum = sum64(sum, thread) / f32(u.columns);
  along = sum64(along, thread) / f32(u.columns);
  for (var i = thread; i < u.columns; i += 64u) {
    let normal = (x[row * u.columns + i] - stat.x) * stat.y;
    dx[row * u.columns + i] = stat.y * (dy[row * u.columns + i] * scale[i] - sum - normal * along);
  }`)

const PARAMETERS = byColumn(
  wgsl`let d = dy[row * u.columns + column];
   let stat = stats[row];
   sum += vec2f(d * (x[row * u.columns + column] - stat.x) * stat.y, d);`,
  'dScale[column] = sum.x; dShift[column] = sum.y;',
)

/** Layer norm in one dispatch, its gradient in two. Arguments and result as `layerNorm`'s. */
export function fusedLayerNorm(x: tf.Tensor2D, scale: tf.Tensor, shift: tf.Tensor, epsilon: number): tf.Tensor2D {
  const [rows, columns] = x.shape
  const uniforms = { rows, columns }
  const input = (name: string, tensor: tf.Tensor) => ({ name, element: 'f32', tensor }) as const
  const forward = (x: tf.Tensor2D, scale: tf.Tensor, shift: tf.Tensor) => {
    const [value, stats] = runKernel({
      name: 'layer norm',
      code: FORWARD,
      inputs: [input('x', x), input('scale', scale), input('shift', shift)],
      outputs: [
        { name: 'result', element: 'f32', shape: [rows, columns] },
        { name: 'stats', element: 'vec2f', shape: [rows, 2] },
      ],
      uniforms: { ...uniforms, epsilon },
      floats: ['epsilon'],
      workgroups: workgroups(rows),
    })
    return { value: value as tf.Tensor2D, saved: { x, scale, stats: stats! } }
  }
  const gradient = (dy: tf.Tensor, { x, scale, stats }: Record<'x' | 'scale' | 'stats', tf.Tensor>) => {
    const inputs = [input('x', x), input('dy', dy), { name: 'stats', element: 'vec2f', tensor: stats } as const]
    const [dx] = runKernel({
      name: 'layer norm gradient',
      code: BACKWARD,
      inputs: [...inputs, input('scale', scale)],
      outputs: [{ name: 'dx', element: 'f32', shape: [rows, columns] }],
      uniforms,
      workgroups: workgroups(rows),
    })
    const [dScale, dShift] = runKernel({
      name: 'layer norm gradient of scale and shift',
      code: PARAMETERS,
      inputs,
      outputs: ['dScale', 'dShift'].map((name) => ({ name, element: 'f32', shape: [columns] }) as const),
      uniforms,
      workgroups: columnWorkgroups(columns),
    })
    return { x: dx!, scale: dScale!, shift: dShift! }
  }
  return customGrad({ x, scale, shift }, ({ x, scale, shift }) => forward(x, scale, shift), gradient)
}
