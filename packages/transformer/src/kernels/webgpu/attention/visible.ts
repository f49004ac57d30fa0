// WGSL of what queries see: single keys, and how far tiles must look. A query's index counts all keys.

import { wgsl } from '../wgsl.js'
import { type BiasShape, gather4 } from './bias.js'

/**
 * Whether four queries see four keys (`visible`), and where loops over tiles go, so that the work of a window does not grow with the
 * text: `seenFrom` and `seenBy` for a tile of queries and a tile of keys, `seenAt` for a tile of distances. A pass without a window
 * has one of all keys, so that it needs no kernels of its own.
 */
export const visibleCode = ({ padding }: BiasShape) => wgsl`
${padding ? gather4('padding', 'b * u.numKeys + min(i, vec4u(u.numKeys - 1u))') : ''}
fn visible(query: vec4u, key: vec4u) -> vec4<bool> {
  let near = (query - key < vec4u(u.window)) | (key < vec4u(u.sinks));
  return (key <= query) & (query < vec4u(u.numKeys)) & near${padding ? ' & (paddingAt(key) == vec4f())' : ''};
}
/** Where the queries from one on look next: the keys between the first ones and their window have no tile. */
fn seenFrom(key: u32, query: u32) -> u32 {
  if (key < u.sinks) { return key; }
  return max(key, (query + 1u - min(query + 1u, u.window)) / T * T);
}
/** The number of queries up to the last one that sees a tile of keys. */
fn seenBy(key: u32) -> u32 {
  if (key < u.sinks) { return u.numQueries; }
  return queriesBefore(key + T - 1u + u.window);
}
/** The number of queries up to the last one that sees a key at a distance of a tile. */
fn seenAt(distance: u32) -> u32 {
  if (distance < u.window) { return u.numQueries; }
  return select(queriesBefore(distance + T - 1u + u.sinks), 0u, u.sinks == 0u);
}
fn queriesBefore(index: u32) -> u32 {
  let past = u.numKeys - u.numQueries;
  return min(u.numQueries, max(index, past) - past);
}
`
