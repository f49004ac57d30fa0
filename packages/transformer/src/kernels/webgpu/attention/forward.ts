// Attention's forward kernel: softmax(q·kᵀ/√D + bias)·v with online softmax (Milakov & Gimelshein, 2018), tile by tile.

import { wgsl } from '../wgsl.js'
import { type BiasShape, biasCode } from './bias.js'
import { skipCode } from './bounds.js'
import {
  accumulate,
  accumulators,
  columnsPerThread,
  declareSums,
  header,
  LANES,
  loadTile,
  multiply,
  queriesKeys,
  repeat,
  type TileShape,
  values,
  writeRows,
  writer,
  writeWeights,
} from './tiles.js'
import { visibleCode } from './visible.js'

/** Features staged at a time. */
const C = 16

/** A workgroup takes a tile of queries (`x`) of one head (`y`) past the tiles of keys that it sees. One shader, in one piece. */
export const forwardCode = (shape: TileShape, bias: BiasShape) => wgsl`
${header(shape)}
${queriesKeys(shape)}
${values(shape)}
${writer('out', 'out', 'o', 'oOffset', 'numQueries')}
${biasCode(bias)}
${visibleCode(bias)}
${skipCode(bias)}
var<workgroup> queryChunk: array<vec4f, ${C} * G>;
var<workgroup> keyChunk: array<vec4f, ${C} * G>;
var<workgroup> weights: array<vec4f, T * G>;
var<workgroup> perThread: array<vec4f, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  initThread(index, group.y);
  // The last tiles have the most keys: they begin first.
  let tile = u.queryTiles - 1u - group.x;
  let row = tile * T;
  let past = u.numKeys - u.numQueries;
  let numKeys = min(row + T, u.numQueries) + past;
  var top = vec4f(LOWEST);
  var total = vec4f();
  ${declareSums(shape, 'o')}
  for (var key = seenFrom(0u, row + past); key < numKeys; key = seenFrom(key + T, row + past)) {
    if (skips(group.y, tile, key / T)) { continue; }
    ${accumulators('s')}
    for (var at = 0u; at < 4u * D4; at += ${C}u) {
      workgroupBarrier();
      ${loadTile(shape, 'queryChunk', 'load_q', 'row', C)}
      ${loadTile(shape, 'keyChunk', 'load_k', 'key', C)}
      workgroupBarrier();
      for (var d = 0u; d < ${C}u; d++) {
        ${multiply('s', 'queryChunk', 'keyChunk')}
      }
    }
    let keys = vec4u(key + 4u * tx) + vec4u(0u, 1u, 2u, 3u);
    ${repeat(
      4,
      (r) => wgsl`
    let query${r} = vec4u(row + past + 4u * ty + ${r}u);
    s${r} = select(vec4f(LOWEST), s${r} * SCALE + biasOf(query${r}, keys), visible(query${r}, keys));`,
    )}
    perThread[index] = vec4f(${[0, 1, 2, 3].map((r) => `max(max(s${r}.x, s${r}.y), max(s${r}.z, s${r}.w))`).join(', ')});
    workgroupBarrier();
    var newTop = top;
    for (var i = 0u; i < G; i++) { newTop = max(newTop, perThread[ty * G + i]); }
    let shrink = exp(top - newTop);
    top = newTop;
    ${repeat(4, (r) => `s${r} = select(exp(s${r} - top.${LANES[r]}), vec4f(), s${r} <= vec4f(LOWEST));`)}
    total = total * shrink + vec4f(${[0, 1, 2, 3].map((r) => `dot(s${r}, vec4f(1.0))`).join(', ')});
    ${repeat(columnsPerThread(shape), (m) => repeat(4, (r) => `o${r}_${m} *= shrink.${LANES[r]};`))}
    ${writeWeights('s')}
    workgroupBarrier();
    let count = min(T, u.numKeys - key);
    ${accumulate(shape, 'o', 'load_v', 'key', 'count')}
  }
  workgroupBarrier();
  perThread[index] = total;
  workgroupBarrier();
  total = vec4f();
  for (var i = 0u; i < G; i++) { total += perThread[ty * G + i]; }
  // A row that may attend to nothing (padding) is zero.
  let inverse = select(1.0 / total, vec4f(), total == vec4f());
  ${writeRows(shape, 'o', 'write_out', 'row', (r) => `inverse.${LANES[r]}`)}
  if (tx == 0u) {
    ${LANES.map((lane, r) => `if (row + 4u * ty + ${r}u < u.numQueries) { logSums[bh * u.numQueries + row + 4u * ty + ${r}u] = vec2f(top.${lane}, total.${lane}); }`).join('\n    ')}
  }
}
`
