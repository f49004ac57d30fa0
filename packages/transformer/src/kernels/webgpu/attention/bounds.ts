// WGSL of skipping, by the rule of key-ranges.ts: a key that scores at most U + bias(distance), where the row's own key scores
// at least S + bias(0), weighs exactly 0 in fp32 if they are more than 104 apart. Here U is of a pair of tiles. Masked keys
// have no part in U, and weigh nothing anywhere; a tile of queries whose own keys are not all visible has no S. A gate adds
// c[query] − c[key], of running sums c: at most the largest of the queries' less the least of the keys', and 0 to the own key.

import { wgsl } from '../wgsl.js'
import type { BiasShape } from './bias.js'
import { header, queriesKeys, type TileShape } from './tiles.js'

/** Stands for the largest of nothing: no norm is negative. And for the least of nothing. */
const [NONE, ALL] = ['-3e38', '3e38']

/**
 * The bounds of each tile of a head: a tile of queries has their largest ‖q‖ (x), least q·own (z) and largest running sum
 * (y); a tile of keys the largest ‖k‖ (x) and least running sum (w) of those not masked; a tile of distances the table's
 * largest value (x). As [queryTiles + keyTiles + tableTiles] fours.
 */
export const boundsCode = (shape: TileShape, { kind, padding, gate }: BiasShape) => wgsl`
${header(shape)}
${queriesKeys(shape)}
var<workgroup> rows: array<vec4f, T>;

const nothing = vec4f(${NONE}, ${NONE}, ${ALL}, ${ALL});
fn masked(key: u32) -> bool { return ${padding ? 'padding[b * u.numKeys + key] != 0.0' : 'false'}; }

fn sumAt(key: u32) -> f32 { return ${gate ? 'gate[bh * u.numKeys + key]' : '0.0'}; }

fn ofQuery(row: u32) -> vec4f {
  let own = row + u.numKeys - u.numQueries;
  var squares = vec2f();
  var product = 0.0;
  for (var part = 0u; part < D4; part++) {
    let q = load_q(row, part);
    let k = load_k(own, part);
    squares += vec2f(dot(q, q), dot(k, k));
    product += dot(q, k);
  }
  let norms = sqrt(squares);
  // The product is a rounded fp32 sum itself.
  return vec4f(norms.x, sumAt(own), select(product - 1e-4 * norms.x * norms.y, ${NONE}, masked(own)), ${ALL});
}

fn ofKey(row: u32) -> vec4f {
  var square = 0.0;
  for (var part = 0u; part < D4; part++) {
    let k = load_k(row, part);
    square += dot(k, k);
  }
  if (masked(row)) { return nothing; }
  return vec4f(sqrt(square), ${NONE}, ${ALL}, sumAt(row));
}

@compute @workgroup_size(T)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  initThread(index, group.y);
  var row = group.x * T + index;
  var bound = nothing;
  if (group.x < u.queryTiles) {
    if (row < u.numQueries) { bound = ofQuery(row); }
  } else if (group.x < u.queryTiles + u.keyTiles) {
    row -= u.queryTiles * T;
    if (row < u.numKeys) { bound = ofKey(row); }
  } ${
    kind === 'table'
      ? `else {
    row -= (u.queryTiles + u.keyTiles) * T;
    if (row < u.tableLength) { bound.x = table[h * u.tableLength + row]; }
  }`
      : ''
  }
  rows[index] = bound;
  workgroupBarrier();
  if (index == 0u) {
    for (var i = 1u; i < T; i++) { bound = vec4f(max(bound.xy, rows[i].xy), min(bound.zw, rows[i].zw)); }
    bounds[bh * (u.queryTiles + u.keyTiles + u.tableTiles) + group.x] = bound;
  }
}
`

/** `skips(head, queryTile, keyTile)`: whether no query of the one gives any key of the other weight. */
export const skipCode = (bias: BiasShape) => wgsl`
fn skips(head: u32, queryTile: u32, keyTile: u32) -> bool {
  ${bias.skipping ? rule(bias) : 'return false;'}
}
${bias.skipping && bias.kind === 'table' ? LARGEST_BIAS : ''}
`

const rule = ({ kind, padding, positions, gate }: BiasShape) => wgsl`
  let at = head * (u.queryTiles + u.keyTiles + u.tableTiles);
  let keys = bounds[at + u.queryTiles + keyTile];
  ${padding ? 'if (keys.x < 0.0) { return true; }' : ''}
  ${
    (kind === 'none' && !gate) || positions
      ? 'return false;'
      : wgsl`
  let first = queryTile * T + u.numKeys - u.numQueries;
  let last = keyTile * T + T - 1u;
  if (last >= first) { return false; }
  let queries = bounds[at + queryTile];
  // From the norms' rounding to fp32.
  let upper = 1.0001 * queries.x * keys.x;
  let farther = ${farther[kind]}${gate ? ' + (queries.y - keys.w)' : ''};
  return upper * SCALE + farther < queries.z * SCALE - 104.0;`
  }
`

/** The largest bias of a pair of tiles, less that of the own key. */
const farther = {
  none: '0.0',
  linear: '-slopes[head % u.heads] * f32(first - last)',
  table: 'largestBias(head, first - last) - table[(head % u.heads) * u.tableLength]',
}

/** The largest bias of the distances between two tiles, `nearest` and up to 2T − 2 more: a table need not fall with them. */
const LARGEST_BIAS = wgsl`
fn largestBias(head: u32, nearest: u32) -> f32 {
  let at = head * (u.queryTiles + u.keyTiles + u.tableTiles) + u.queryTiles + u.keyTiles;
  let end = u.tableTiles - 1u;
  var largest = bounds[at + min(nearest / T, end)].x;
  for (var tile = nearest / T + 1u; tile <= min((nearest + 2u * T - 2u) / T, end); tile++) {
    largest = max(largest, bounds[at + tile].x);
  }
  return largest;
}
`
