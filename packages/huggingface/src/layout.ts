// Letters: R rows and C columns of their array, H heads, G heads of keys and values.
import type { ResolvedModelConfig } from '@alibi/transformer'
import type { Layout } from './families/family.js'

type Heads = Pick<ResolvedModelConfig, 'numHeads' | 'numKeyValueHeads'>

/** Their array in our layout, row by row: [C, R] if it is transposed, else [R, C]. */
export function toOurs(data: Float32Array, columns: number, layout: Layout, heads: Heads): Float32Array {
  if (layout === 'same') return data
  const rows = data.length / columns
  const source = rowOrder(rows, layout, heads)
  const out = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    const from = source(row) * columns
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[from + column]!
  }
  return out
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
