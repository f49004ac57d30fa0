// Letters: R rows and C columns of their array, H heads.
import type { Layout } from './families/family.js'

/** Their array in our layout, row by row: [C, R] if it is transposed, else [R, C]. */
export function toOurs(data: Float32Array, columns: number, layout: Layout, numHeads: number): Float32Array {
  if (layout === 'same') return data
  const rows = data.length / columns
  const source = rowOrder(rows, layout, numHeads)
  const out = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    const from = source(row) * columns
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[from + column]!
  }
  return out
}

/** The reverse of {@link toOurs}. */
export function toTheirs(data: Float32Array, columns: number, layout: Layout, numHeads: number): Float32Array {
  if (layout === 'same') return data
  const rows = data.length / columns
  const source = rowOrder(rows, layout, numHeads)
  const out = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    const to = source(row) * columns
    for (let column = 0; column < columns; column++) out[to + column] = data[column * rows + row]!
  }
  return out
}

/** Where the rows of queries, keys and values, in this order, are in their array. */
function rowOrder(rows: number, layout: Layout, numHeads: number): (row: number) => number {
  if (layout !== 'transposed, by head') return (row) => row
  const headDim = rows / 3 / numHeads
  return (row) => {
    const [part, within] = [Math.floor(row / (rows / 3)), row % (rows / 3)]
    return (Math.floor(within / headDim) * 3 + part) * headDim + (within % headDim)
  }
}
