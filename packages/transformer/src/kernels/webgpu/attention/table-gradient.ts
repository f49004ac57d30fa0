// The gradient of a table of distances.

import { wgsl } from '../wgsl.js'
import { C, FOUR, inputs, score } from './backward.js'
import type { BiasShape } from './bias.js'
import { accumulators, LANES, loadTile, repeat, type TileShape } from './tiles.js'

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
${inputs(shape, bias)}
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
  let end = seenAt(nearest);
  for (var query = (max(nearest, past) - past) / T * T; query < end; query += T) {
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
