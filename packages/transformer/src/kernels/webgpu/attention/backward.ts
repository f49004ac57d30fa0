// What attention's backward kernels share (Dao et al., 2022): each computes the weights again from the row's largest score and
// sum. WGSL adds no floats atomically, so the gradients of queries, of keys and values, and of a table each have a kernel of
// their own.

import { wgsl } from '../wgsl.js'
import { type BiasShape, biasCode } from './bias.js'
import { accumulators, header, loadTile, multiply, queriesKeys, readFunction, type TileShape, values } from './tiles.js'
import { visibleCode } from './visible.js'

/** Features staged at a time; half of the forward's, for twice the tensors. */
export const C = 8

/**
 * What gradients need of a query: its largest score, 1 / the sum of exp(score − largest), and dOut·out. Their logarithm as
 * one number would be rounded to the spacing of the largest score.
 */
const stats = wgsl`
fn statsOf(row: u32) -> vec3f {
  if (row < u.numQueries) { return stats[bh * u.numQueries + row].xyz; }
  return vec3f();
}
`

/** What each of them declares: its inputs, the bias and what queries see. */
export const inputs = (shape: TileShape, bias: BiasShape) => wgsl`
${header(shape)}
${queriesKeys(shape)}
${values(shape)}
${readFunction('dOut', 'dOut', 'o', 'oOffset', 'numQueries')}
${biasCode(bias)}
${visibleCode(bias)}
${stats}
`

/** Memory that a workgroup's threads share: chunks of the four tensors, and numbers of a pair of tiles. */
export const shared = wgsl`
var<workgroup> queryChunk: array<vec4f, ${C} * G>;
var<workgroup> keyChunk: array<vec4f, ${C} * G>;
var<workgroup> valueChunk: array<vec4f, ${C} * G>;
var<workgroup> gradientChunk: array<vec4f, ${C} * G>;
var<workgroup> weights: array<vec4f, T * G>;
`

/** The products q·k (s) and dOut·v (g) of a pair of tiles. */
export const products = (shape: TileShape, rowsAre: 'queries' | 'keys') => {
  const [rows, columns] = rowsAre === 'queries' ? ['query', 'key'] : ['key', 'query']
  const [left, right] = rowsAre === 'queries' ? ['gradient', 'value'] : ['value', 'gradient']
  return wgsl`
    ${accumulators('s')}
    ${accumulators('g')}
    for (var at = 0u; at < 4u * D4; at += ${C}u) {
      workgroupBarrier();
      ${loadTile(shape, 'queryChunk', 'load_q', 'query', C)}
      ${loadTile(shape, 'gradientChunk', 'load_dOut', 'query', C)}
      ${loadTile(shape, 'keyChunk', 'load_k', 'key', C)}
      ${loadTile(shape, 'valueChunk', 'load_v', 'key', C)}
      workgroupBarrier();
      for (var d = 0u; d < ${C}u; d++) {
        ${multiply('s', `${rows}Chunk`, `${columns}Chunk`)}
        ${multiply('g', `${left}Chunk`, `${right}Chunk`)}
      }
    }`
}

/** Four scores: their weights into `s`, their gradients into `g`. */
export const score = (
  r: number,
  queries: string,
  keys: string,
  [top, inverse, sum]: readonly [string, string, string],
) => wgsl`
    {
      let i = ${queries};
      let j = ${keys};
      s${r} = select(vec4f(), exp(s${r} * SCALE + biasOf(i, j) - ${top}) * ${inverse}, visible(i, j));
      g${r} = s${r} * (g${r} - ${sum});
    }`

/** Four indices in a row. */
export const FOUR = 'vec4u(0u, 1u, 2u, 3u)'

/** Writes what gradients need of queries. */
export const statsCode = (shape: TileShape) => wgsl`
${header(shape)}
${readFunction('out', 'out', 'o', 'oOffset', 'numQueries')}
${readFunction('dOut', 'dOut', 'o', 'oOffset', 'numQueries')}

@compute @workgroup_size(T)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  initThread(index, group.y);
  let row = group.x * T + index;
  if (row >= u.numQueries) { return; }
  var sum = 0.0;
  for (var part = 0u; part < D4; part++) { sum += dot(load_out(row, part), load_dOut(row, part)); }
  let softmax = logSums[bh * u.numQueries + row];
  stats[bh * u.numQueries + row] = vec4f(softmax.x, select(1.0 / softmax.y, 0.0, softmax.y == 0.0), sum, 0.0);
}
`
