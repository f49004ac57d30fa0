// WGSL of bias, mask and skipping, by the kind of bias.
import type { TileShape } from './tiles.js'

/** What of a bias a kernel must be generated for; the numbers are in its buffers. */
export interface BiasShape {
  readonly kind: 'none' | 'linear' | 'table'
  /** Whether `positions` is bound: for a linear bias between positions that are not consecutive. */
  readonly positions: boolean
  readonly padding: boolean
  /** Whether `norms` is bound, and with it the rule that leaves out pairs of tiles. */
  readonly skipping: boolean
}

/**
 * Of four pairs of a query and a key: their `distance`, their `biasOf`, and whether the query may attend to the key
 * (`visible`). Queries count among all keys.
 */
export const biasCode = ({ kind, positions, padding }: BiasShape) => `
fn distance4(query: vec4u, key: vec4u) -> vec4f {
  ${positions ? 'return abs(positionsAt(query) - positionsAt(key));' : 'return vec4f(vec4i(query) - vec4i(key));'}
}
${positions ? at4('positions', 'min(i, vec4u(u.numKeys - 1u))') : ''}
${kind === 'table' ? at4('table', 'h * u.tableLength + min(i, vec4u(u.tableLength - 1u))') : ''}
${padding ? at4('padding', 'b * u.numKeys + min(i, vec4u(u.numKeys - 1u))') : ''}
fn biasOf(query: vec4u, key: vec4u) -> vec4f {
  ${
    {
      none: 'return vec4f();',
      linear: 'return -slopes[h] * distance4(query, key);',
      table: 'return tableAt(query - min(query, key));',
    }[kind]
  }
}
fn visible(query: vec4u, key: vec4u) -> vec4<bool> {
  return (key <= query) & (query < vec4u(u.numKeys))${padding ? ' & (paddingAt(key) == vec4f())' : ''};
}
`

const at4 = (name: string, index: string) => `
fn ${name}At(i: vec4u) -> vec4f {
  let at = ${index};
  return vec4f(${name}[at.x], ${name}[at.y], ${name}[at.z], ${name}[at.w]);
}`

/**
 * Exact skipping. A key at distance d scores at most ‖q‖·‖k‖/√D − slope·d and the query's own key at least
 * −‖q‖·‖own‖/√D; if they are more than 104 apart, exp of their difference is 0 in fp32.
 */
export const skipCode = ({ tile }: TileShape, { kind, skipping }: BiasShape) =>
  kind === 'linear' && skipping
    ? `
fn skips(head: u32, queryTile: u32, keyTile: u32) -> bool {
  let first = queryTile * ${tile}u + u.numKeys - u.numQueries;
  let last = keyTile * ${tile}u + ${tile - 1}u;
  if (last >= first) { return false; }
  let norm = head * (u.queryTiles + u.keyTiles);
  let own = first / ${tile}u;
  let ownNorm = max(norms[norm + u.queryTiles + own], norms[norm + u.queryTiles + min(own + 1u, u.keyTiles - 1u)]);
  // The norms are rounded fp32 sums themselves.
  let bound = 1.0001 * norms[norm + queryTile] * (norms[norm + u.queryTiles + keyTile] + ownNorm);
  return slopes[head % u.heads] * f32(first - last) > 104.0 + bound * SCALE;
}
`
    : 'fn skips(head: u32, queryTile: u32, keyTile: u32) -> bool { return false; }\n'
