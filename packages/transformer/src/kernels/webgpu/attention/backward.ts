// Attention's backward kernels (Dao et al., 2022): each computes the weights again from the row's log-sum-exp. WGSL adds no
// floats atomically, so the gradients of queries, of keys and values, and of a table each have a kernel of their own.

import { wgsl } from '../wgsl.js'
import { type BiasShape, biasCode } from './bias.js'
import { skipCode } from './bounds.js'
import {
  accumulate,
  accumulators,
  declareSums,
  header,
  LANES,
  loadTile,
  multiply,
  queriesKeys,
  readFunction,
  repeat,
  type TileShape,
  values,
  writeRows,
  writer,
  writeWeights,
} from './tiles.js'

/** Features staged at a time; half of the forward's, for twice the tensors. */
const C = 8

const inputs = (shape: TileShape) => wgsl`
${queriesKeys(shape)}
${values(shape)}
${readFunction('dOut', 'dOut', 'o', 'oOffset', 'numQueries')}
`

/** Chunks of the four tensors, and the products q·k (s) and dOut·v (g) of a pair of tiles. */
const chunks = wgsl`
var<workgroup> queryChunk: array<vec4f, ${C} * G>;
var<workgroup> keyChunk: array<vec4f, ${C} * G>;
var<workgroup> valueChunk: array<vec4f, ${C} * G>;
var<workgroup> gradientChunk: array<vec4f, ${C} * G>;
`
const products = (shape: TileShape, rowsAre: 'queries' | 'keys') => {
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

/** Four scores: their weights into `s`, their gradients into `g`. */
const score = (
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
const FOUR = 'vec4u(0u, 1u, 2u, 3u)'

/** Writes them. */
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

/** @param trainSlopes - whether to write Σ −distance·dScore of each tile of queries, of which slopes' gradients are sums */
export const queryGradientCode = (shape: TileShape, bias: BiasShape, trainSlopes: boolean) => wgsl`
${header(shape)}
${inputs(shape)}
${writer('dq', shape.packed ? 'dqkv' : 'dq', 'q', 'qOffset', 'numQueries')}
${biasCode(bias)}
${skipCode(bias)}
${stats}
${chunks}
var<workgroup> weights: array<vec4f, T * G>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  initThread(index, group.y);
  let tile = u.queryTiles - 1u - group.x;
  let query = tile * T;
  let past = u.numKeys - u.numQueries;
  let numKeys = min(query + T, u.numQueries) + past;
  ${repeat(4, (r) => `let stat${r} = statsOf(query + 4u * ty + ${r}u);`)}
  ${declareSums(shape, 'o')}
  var onSlope = 0.0;
  for (var key = 0u; key < numKeys; key += T) {
    if (skips(group.y, tile, key / T)) { continue; }
    ${products(shape, 'queries')}
    ${repeat(4, (r) => score(r, `vec4u(query + past + 4u * ty + ${r}u)`, `vec4u(key + 4u * tx) + ${FOUR}`, [`stat${r}.x`, `stat${r}.y`, `stat${r}.z`]))}
    ${
      trainSlopes
        ? repeat(
            4,
            (r) =>
              `onSlope -= dot(g${r}, distance4(vec4u(query + past + 4u * ty + ${r}u), vec4u(key + 4u * tx) + ${FOUR}));`,
          )
        : ''
    }
    ${writeWeights('g')}
    workgroupBarrier();
    let count = min(T, u.numKeys - key);
    ${accumulate(shape, 'o', 'load_k', 'key', 'count')}
  }
  ${writeRows(shape, 'o', 'write_dq', 'query', () => 'SCALE')}
  ${
    trainSlopes
      ? `workgroupBarrier();
  weights[index].x = onSlope;
  workgroupBarrier();
  if (index == 0u) {
    for (var i = 1u; i < THREADS; i++) { onSlope += weights[i].x; }
    onSlopes[bh * u.queryTiles + tile] = onSlope;
  }`
      : ''
  }
}
`

/** A workgroup takes a tile of keys past the tiles of queries from it on. */
export const keyGradientCode = (shape: TileShape, bias: BiasShape) => wgsl`
${header(shape)}
${inputs(shape)}
${writer('dk', shape.packed ? 'dqkv' : 'dk', 'k', 'kOffset', 'numKeys')}
${writer('dv', shape.packed ? 'dqkv' : 'dv', 'k', 'vOffset', 'numKeys')}
${biasCode(bias)}
${skipCode(bias)}
${stats}
${chunks}
var<workgroup> weights: array<vec4f, T * G>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  initThread(index, group.y);
  let key = group.x * T;
  let past = u.numKeys - u.numQueries;
  ${declareSums(shape, 'k')}
  ${declareSums(shape, 'v')}
  for (var query = (max(key, past) - past) / T * T; query < u.numQueries; query += T) {
    if (skips(group.y, query / T, group.x)) { continue; }
    ${products(shape, 'keys')}
    ${repeat(4, (c) => `let stat${c} = statsOf(query + 4u * tx + ${c}u);`)}
    let tops = vec4f(stat0.x, stat1.x, stat2.x, stat3.x);
    let inverses = vec4f(stat0.y, stat1.y, stat2.y, stat3.y);
    let sums = vec4f(stat0.z, stat1.z, stat2.z, stat3.z);
    ${repeat(4, (r) => score(r, `vec4u(query + past + 4u * tx) + ${FOUR}`, `vec4u(key + 4u * ty + ${r}u)`, ['tops', 'inverses', 'sums']))}
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
}
`

/** Adding up the scores' gradients along diagonals: columns are distances, so that a thread's sums stay its own. */
const diagonal = (r: number, c: number) => (r - c < 0 ? `before.${LANES[r - c + 4]}` : `here.${LANES[r - c]}`)
const skewed = (name: string, rows: string, columns: string) => wgsl`
        {
          let rows = ${rows}[d * G + ty];
          let before = ${columns}[d * 2u * G + G + ty - tx - 1u];
          let here = ${columns}[d * 2u * G + G + ty - tx];
          ${LANES.map((lane, r) => `${name}${r} += rows.${lane} * vec4f(${[0, 1, 2, 3].map((c) => diagonal(r, c)).join(', ')});`).join('\n          ')}
        }`

/** Copies 2T rows, of which the first T are those before `row`; zero before row 0. */
const stageTwice = (shape: TileShape, target: string, load: string) => wgsl`
    for (var i = thread; i < ${(shape.tile / 2) * (C / 4)}u; i += THREADS) {
      let g = i % (2u * G);
      let part = i / (2u * G);
      ${repeat(4, (n) => `let a${n} = ${load}(key + 4u * g + ${n}u - T, at / 4u + part);`)}
      ${LANES.map((lane, n) => `${target}[(4u * part + ${n}u) * 2u * G + g] = vec4f(a0.${lane}, a1.${lane}, a2.${lane}, a3.${lane});`).join('\n      ')}
    }`

/** A workgroup takes T distances (`x`) of one head past all queries: dTable[bh, distance] = Σ dScore[query, query − distance]. */
export const tableGradientCode = (shape: TileShape, bias: BiasShape) => wgsl`
${header(shape)}
${inputs(shape)}
${biasCode(bias)}
${stats}
var<workgroup> queryChunk: array<vec4f, ${C} * G>;
var<workgroup> gradientChunk: array<vec4f, ${C} * G>;
var<workgroup> keyChunk: array<vec4f, ${2 * C} * G>;
var<workgroup> valueChunk: array<vec4f, ${2 * C} * G>;
var<workgroup> perThread: array<vec4f, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  initThread(index, group.y);
  let nearest = group.x * T;
  let past = u.numKeys - u.numQueries;
  var total = vec4f();
  for (var query = (max(nearest, past) - past) / T * T; query < u.numQueries; query += T) {
    // Keys query + past − from − T … + T; those before 0 wrap around to rows that are past the end, and so zero.
    let key = query + past - nearest;
    ${accumulators('s')}
    ${accumulators('g')}
    for (var at = 0u; at < 4u * D4; at += ${C}u) {
      workgroupBarrier();
      ${loadTile(shape, 'queryChunk', 'load_q', 'query', C)}
      ${loadTile(shape, 'gradientChunk', 'load_dOut', 'query', C)}
      ${stageTwice(shape, 'keyChunk', 'load_k')}
      ${stageTwice(shape, 'valueChunk', 'load_v')}
      workgroupBarrier();
      for (var d = 0u; d < ${C}u; d++) {
        ${skewed('s', 'queryChunk', 'keyChunk')}
        ${skewed('g', 'gradientChunk', 'valueChunk')}
      }
    }
    ${repeat(4, (r) => `let stat${r} = statsOf(query + 4u * ty + ${r}u);`)}
    ${repeat(4, (r) => score(r, `vec4u(query + past + 4u * ty + ${r}u)`, `vec4u(query + past + 4u * ty + ${r}u - nearest - 4u * tx) - ${FOUR}`, [`stat${r}.x`, `stat${r}.y`, `stat${r}.z`]))}
    total += g0 + g1 + g2 + g3;
  }
  workgroupBarrier();
  perThread[index] = total;
  workgroupBarrier();
  if (ty == 0u) {
    for (var i = 1u; i < G; i++) { total += perThread[i * G + tx]; }
    ${LANES.map((lane, c) => `if (nearest + 4u * tx + ${c}u < u.tableLength) { dTable[bh * u.tableLength + nearest + 4u * tx + ${c}u] = total.${lane}; }`).join('\n    ')}
  }
}
`
