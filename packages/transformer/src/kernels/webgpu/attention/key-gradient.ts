// The gradient of keys and values, and of a gate.

import { wgsl } from '../wgsl.js'
import { FOUR, inputs, products, score, shared } from './backward.js'
import type { BiasShape } from './bias.js'
import { skipCode } from './bounds.js'
import { accumulate, declareSums, LANES, repeat, type TileShape, writeRows, writer, writeWeights } from './tiles.js'

/**
 * A workgroup takes a tile of keys past the tiles of queries that see it. A score adds the running sum of its query and takes
 * off that of its key. As a row's gradients of scores come to zero, the first have none: what is left is −Σ dScore of each key.
 */
export const keyGradientCode = (shape: TileShape, bias: BiasShape) => wgsl`
${inputs(shape, bias)}
${writer('dk', shape.packed ? 'dqkv' : 'dk', 'k', 'kOffset', 'numKeys')}
${writer('dv', shape.packed ? 'dqkv' : 'dv', 'k', 'vOffset', 'numKeys')}
${skipCode(bias)}
${shared}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  initThread(index, group.y);
  let key = group.x * T;
  let past = u.numKeys - u.numQueries;
  ${declareSums(shape, 'k')}
  ${declareSums(shape, 'v')}
  ${bias.gate ? 'var onSums = vec4f();' : ''}
  let end = seenBy(key);
  for (var query = (max(key, past) - past) / T * T; query < end; query += T) {
    if (skips(group.y, query / T, group.x)) { continue; }
    ${products(shape, 'keys')}
    ${repeat(4, (c) => `let stat${c} = statsOf(query + 4u * tx + ${c}u);`)}
    let tops = vec4f(stat0.x, stat1.x, stat2.x, stat3.x);
    let inverses = vec4f(stat0.y, stat1.y, stat2.y, stat3.y);
    let sums = vec4f(stat0.z, stat1.z, stat2.z, stat3.z);
    ${repeat(4, (r) => score(r, `vec4u(query + past + 4u * tx) + ${FOUR}`, `vec4u(key + 4u * ty + ${r}u)`, ['tops', 'inverses', 'sums']))}
    ${bias.gate ? `onSums -= vec4f(${[0, 1, 2, 3].map((r) => `dot(g${r}, vec4f(1.0))`).join(', ')});` : ''}
    let count = min(T, u.numQueries - query);
    ${writeWeights('s')}
    workgroupBarrier();
    ${accumulate(shape, 'v', 'load_dOut', 'query', 'count')}
    workgroupBarrier();
    ${writeWeights('g')}
    workgroupBarrier();
    ${accumulate(shape, 'k', 'load_q', 'query', 'count')}
  }
  ${writeRows(shape, 'k', 'write_dk', 'key', () => 'SCALE')}
  ${writeRows(shape, 'v', 'write_dv', 'key', () => '1.0')}
  ${bias.gate ? writeGate : ''}
}
`

/** Adds up what the threads have of the same keys. */
const writeGate = wgsl`
  workgroupBarrier();
  weights[index] = onSums;
  workgroupBarrier();
  if (tx == 0u) {
    for (var i = 1u; i < G; i++) { onSums += weights[ty * G + i]; }
    ${LANES.map((lane, r) => `if (key + 4u * ty + ${r}u < u.numKeys) { dGate[bh * u.numKeys + key + 4u * ty + ${r}u] = onSums.${lane}; }`).join('\n    ')}
  }`
