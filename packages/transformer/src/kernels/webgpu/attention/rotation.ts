// Rotary positions for the fused kernels. Letters: B batch, L tokens, H heads, D headDim.
import type * as tf from '@tensorflow/tfjs'
import type { PackedRotation } from '../../attention/kernel.js'
import { runKernel } from '../dispatch.js'
import { flat, flatWorkgroups } from '../grid.js'
import { unpackCode } from '../half.js'
import { wgsl } from '../wgsl.js'

/** `name(…, part)`: the partners of features 4·part to 4·part + 3, out of what `read` gives of four features at a part. */
const partners = (name: string, parameters: string, pairStride: number, read: (part: string) => string) => wgsl`
fn ${name}(${parameters}, part: u32) -> vec4f {
  ${
    pairStride % 4 === 0
      ? `return ${read('partnerOf(4u * part) / 4u')};`
      : pairStride === 1
        ? `return (${read('part')}).yxwz;`
        : wgsl`
  var found = vec4f();
  for (var lane = 0u; lane < 4u; lane++) {
    let partner = partnerOf(4u * part + lane);
    found[lane] = (${read('partner / 4u')})[partner % 4u];
  }
  return found;`
  }
}`

/** What {@link partners} needs; features past the turned ones are their own. */
const partnerOf = (pairStride: number) => wgsl`
fn partnerOf(feature: u32) -> u32 {
  if (feature < ${pairStride}u) { return feature + ${pairStride}u; }
  return select(feature, feature - ${pairStride}u, feature < ${2 * pairStride}u);
}`

/** `load_q` and `load_k`: four features of a row, turned as they are read by `given_q` and `given_k`. */
export const turnOnLoad = (pairStride: number) => wgsl`
${partnerOf(pairStride)}
${['q', 'k']
  .map(
    (name, side) => wgsl`
${partners(`partners_${name}`, 'row: u32', pairStride, (part) => `given_${name}(row, ${part})`)}
fn load_${name}(row: u32, part: u32) -> vec4f {
  let at = 2u * ((${side}u * u.numKeys + row) * D4 + part);
  return given_${name}(row, part) * rotation[at] + partners_${name}(row, part) * rotation[at + 1u];
}`,
  )
  .join('')}
`

/** x·cos + swap(x)·sin, or its transpose x·cos + swap(x·sin), of queries and keys; values are copied. */
const code = (pairStride: number, way: 'turn' | 'turn back', half: boolean) => {
  const x = (part: string) => `${half ? 'unpack' : ''}(x[head + ${part}])`
  const sin = (part: string) => `rotation[row + 2u * (${part}) + 1u]`
  const swapped = (part: string) => (way === 'turn' ? x(part) : `${x(part)} * ${sin(part)}`)
  return wgsl`
${half ? unpackCode : ''}
${partnerOf(pairStride)}
${partners('swapped', 'head: u32, row: u32', pairStride, swapped)}
${flat(wgsl`
  let part = i % u.parts;
  let head = i - part;
  let side = i % u.width / (u.width / 3u);
  let row = 2u * u.parts * (side * u.length + i / u.width % u.length);
  if (side == 2u) { result[i] = ${x('part')}; return; }
  result[i] = ${x('part')} * rotation[row + 2u * part] + swapped(head, row, part)${way === 'turn' ? ` * ${sin('part')}` : ''};`)}`
}

/**
 * Turns queries and keys in the tensor that holds them with the values, or turns their gradients back.
 *
 * @param qkv - shape [B·L, 3·H·D], or its bits in float16
 * @param shape - of the result, [B·L, 3·H·D]
 */
export function turnPacked(
  way: 'turn' | 'turn back',
  qkv: tf.Tensor,
  shape: readonly [rows: number, width: number],
  { table, pairStride }: PackedRotation,
  { batchSize, headDim }: { readonly batchSize: number; readonly headDim: number },
): tf.Tensor {
  const [rows, width] = shape
  const half = qkv.dtype === 'int32'
  const size = (rows * width) / 4
  return runKernel({
    name: way === 'turn' ? 'rotation' : 'rotation gradient',
    code: code(pairStride, way, half),
    inputs: [
      { name: 'x', element: half ? 'vec2u' : 'vec4f', tensor: qkv },
      { name: 'rotation', element: 'vec4f', tensor: table },
    ],
    outputs: [{ name: 'result', element: 'vec4f', shape }],
    uniforms: { size, width: width / 4, parts: headDim / 4, length: rows / batchSize },
    workgroups: flatWorkgroups(size),
  })[0]!
}
