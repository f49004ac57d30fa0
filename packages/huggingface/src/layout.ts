// Letters: R rows and C columns of their array, H heads, G heads of keys and values.
import type { ResolvedModelConfig } from '@alibi/transformer'
import type { Layout } from './families/family.js'

type Heads = Pick<ResolvedModelConfig, 'numHeads' | 'numKeyValueHeads'>

/** Their array in our layout, row by row: [C, R] if it is transposed, else [R, C]. */
export function toOurs(data: Float32Array, columns: number, layout: Layout, heads: Heads): Float32Array {
  const out = new Float32Array(data.length)
  placeRows(out, data, 0, columns, layout, heads)
  return out
}

/**
 * Puts some rows of their array to where they are in ours.
 *
 * @param out - the whole of ours
 * @param first - the row of theirs that `rows` begin with
 */
export function placeRows(
  out: Float32Array,
  rows: Float32Array,
  first: number,
  columns: number,
  layout: Layout,
  heads: Heads,
): void {
  if (layout === 'same') {
    out.set(rows, first * columns)
    return
  }
  const [count, all] = [rows.length / columns, out.length / columns]
  const targets = rowTargets(all, layout, heads).subarray(first, first + count)
  // Columns outside: what is written lies together.
  for (let column = 0; column < columns; column++)
    for (let row = 0; row < count; row++) out[column * all + targets[row]!] = rows[row * columns + column]!
}

/** Which of our rows each of theirs is. */
function rowTargets(rows: number, layout: Layout, heads: Heads): Int32Array {
  const source = rowOrder(rows, layout, heads)
  const targets = new Int32Array(rows)
  for (let row = 0; row < rows; row++) targets[source(row)] = row
  return targets
}

/** The reverse of {@link toOurs}. */
export function toTheirs(data: Float32Array, columns: number, layout: Layout, heads: Heads): Float32Array {
  if (layout === 'same') return data
  const rows = data.length / columns
  const source = rowOrder(rows, layout, heads)
  const out = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    const to = source(row) * columns
    for (let column = 0; column < columns; column++) out[to + column] = data[column * rows + row]!
  }
  return out
}

/** Where the rows of queries, keys and values, in this order, are in their array. */
function rowOrder(rows: number, layout: Layout, { numHeads: H, numKeyValueHeads: G }: Heads): (row: number) => number {
  if (layout !== 'transposed, by group') return (row) => row
  const headDim = rows / (H + 2 * G)
  const queries = H / G
  return (row) => {
    const [head, within] = [Math.floor(row / headDim), row % headDim]
    const isQuery = head < H
    const group = isQuery ? Math.floor(head / queries) : (head - H) % G
    const place = isQuery ? head % queries : queries + Math.floor((head - H) / G)
    return (group * (queries + 2) + place) * headDim + within
  }
}
