// Products of matrices of 32-bit floats, and sums of their rows, in the memory of TensorFlow.js's WebAssembly backend.
// AssemblyScript, compiled by tooling/wasm-matrices.mjs.
// Letters: M/N rows/columns of the result, K the dimension summed over.
// As in BLIS (Van Zee and van de Geijn, 2015): a tile of ROWS × COLUMNS stays in registers while K goes by, and both factors are
// packed into panels, in the order in which a tile reads them.

const ROWS = 4
const COLUMNS = 8
/** Of K: a panel of the right factor stays in the first cache. */
const DEPTH = 256
/** Columns of the right factor and rows of the left one that are packed at once. */
const WIDTH = 512
const HEIGHT = 64

/** Bytes that {@link multiply} needs to work in. */
export function workBytes(): i32 {
  return 4 * (DEPTH * (WIDTH + HEIGHT) + ROWS * COLUMNS)
}

/**
 * result = left × right. Strides are in numbers; the result [M, N] is dense.
 *
 * @param left - the address of its first number, as of the others
 * @param work - {@link workBytes} that are free
 */
export function multiply(
  left: usize,
  leftRow: usize,
  leftColumn: usize,
  right: usize,
  rightRow: usize,
  rightColumn: usize,
  result: usize,
  M: usize,
  N: usize,
  K: usize,
  work: usize,
): void {
  const packedRight = work
  const packedLeft = packedRight + 4 * DEPTH * WIDTH
  const edge = packedLeft + 4 * DEPTH * HEIGHT
  for (let n: usize = 0; n < N; n += WIDTH) {
    const width = min<usize>(WIDTH, N - n)
    for (let k: usize = 0; k < K; k += DEPTH) {
      const depth = min<usize>(DEPTH, K - k)
      for (let j: usize = 0; j < width; j += COLUMNS) {
        const from = right + 4 * (k * rightRow + (n + j) * rightColumn)
        const to = packedRight + 4 * j * depth
        pack(from, rightColumn, rightRow, width - j, depth, to, COLUMNS)
        pack(from + 16 * rightColumn, rightColumn, rightRow, max<usize>(4, width - j) - 4, depth, to + 16, COLUMNS)
      }
      for (let m: usize = 0; m < M; m += HEIGHT) {
        const height = min<usize>(HEIGHT, M - m)
        for (let i: usize = 0; i < height; i += ROWS) {
          const from = left + 4 * ((m + i) * leftRow + k * leftColumn)
          pack(from, leftRow, leftColumn, height - i, depth, packedLeft + 4 * i * depth, ROWS)
        }
        for (let j: usize = 0; j < width; j += COLUMNS)
          for (let i: usize = 0; i < height; i += ROWS) {
            const l = packedLeft + 4 * i * depth
            const r = packedRight + 4 * j * depth
            const to = result + 4 * ((m + i) * N + n + j)
            if (i + ROWS <= height && j + COLUMNS <= width) tile(l, r, depth, to, 4 * N, k > 0)
            else {
              tile(l, r, depth, edge, 4 * COLUMNS, false)
              copyEdge(edge, to, 4 * N, min<usize>(ROWS, height - i), min<usize>(COLUMNS, width - j), k > 0)
            }
          }
      }
    }
  }
}

/**
 * Four lanes of a panel: numbers `across` apart, for each step `along` K. Lanes beyond `lanes` are 0.
 *
 * @param size - numbers that the panel has for each step
 */
function pack(from: usize, across: usize, along: usize, lanes: usize, depth: usize, to: usize, size: usize): void {
  const next: usize = 4 * size
  let k: usize = 0
  if (lanes < 4) {
    for (; k < depth; k++, to += next)
      for (let lane: usize = 0; lane < 4; lane++)
        f32.store(to + 4 * lane, lane < lanes ? f32.load(from + 4 * (lane * across + k * along)) : 0)
    return
  }
  if (across === 1) {
    for (; k < depth; k++, to += next, from += 4 * along) v128.store(to, v128.load(from))
    return
  }
  let a = from
  let b = a + 4 * across
  let c = b + 4 * across
  let d = c + 4 * across
  if (along === 1)
    for (; k + 4 <= depth; k += 4) {
      const va = v128.load(a)
      const vb = v128.load(b)
      const vc = v128.load(c)
      const vd = v128.load(d)
      const ab = v128.shuffle<f32>(va, vb, 0, 4, 1, 5)
      const cd = v128.shuffle<f32>(vc, vd, 0, 4, 1, 5)
      v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5))
      v128.store(to + next, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7))
      const ab2 = v128.shuffle<f32>(va, vb, 2, 6, 3, 7)
      const cd2 = v128.shuffle<f32>(vc, vd, 2, 6, 3, 7)
      v128.store(to + 2 * next, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5))
      v128.store(to + 3 * next, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7))
      to += 4 * next
      a += 16
      b += 16
      c += 16
      d += 16
    }
  for (; k < depth; k++, to += next) {
    f32.store(to, f32.load(a))
    f32.store(to + 4, f32.load(b))
    f32.store(to + 8, f32.load(c))
    f32.store(to + 12, f32.load(d))
    a += 4 * along
    b += 4 * along
    c += 4 * along
    d += 4 * along
  }
}

/** ROWS × COLUMNS numbers of the result, from a panel of each factor. */
function tile(l: usize, r: usize, depth: usize, to: usize, nextRow: usize, adds: bool): void {
  let a0 = f32x4.splat(0)
  let a1 = f32x4.splat(0)
  let b0 = f32x4.splat(0)
  let b1 = f32x4.splat(0)
  let c0 = f32x4.splat(0)
  let c1 = f32x4.splat(0)
  let d0 = f32x4.splat(0)
  let d1 = f32x4.splat(0)
  const end = l + 16 * depth
  for (; l < end; l += 16, r += 32) {
    const r0 = v128.load(r)
    const r1 = v128.load(r, 16)
    const a = v128.load_splat<f32>(l)
    a0 = f32x4.add(a0, f32x4.mul(a, r0))
    a1 = f32x4.add(a1, f32x4.mul(a, r1))
    const b = v128.load_splat<f32>(l, 4)
    b0 = f32x4.add(b0, f32x4.mul(b, r0))
    b1 = f32x4.add(b1, f32x4.mul(b, r1))
    const c = v128.load_splat<f32>(l, 8)
    c0 = f32x4.add(c0, f32x4.mul(c, r0))
    c1 = f32x4.add(c1, f32x4.mul(c, r1))
    const d = v128.load_splat<f32>(l, 12)
    d0 = f32x4.add(d0, f32x4.mul(d, r0))
    d1 = f32x4.add(d1, f32x4.mul(d, r1))
  }
  put(to, a0, a1, adds)
  put(to + nextRow, b0, b1, adds)
  put(to + 2 * nextRow, c0, c1, adds)
  put(to + 3 * nextRow, d0, d1, adds)
}

function put(to: usize, first: v128, second: v128, adds: bool): void {
  v128.store(to, adds ? f32x4.add(v128.load(to), first) : first)
  v128.store(to, adds ? f32x4.add(v128.load(to, 16), second) : second, 16)
}

/** Takes what is of the result out of a tile that goes beyond it. */
function copyEdge(edge: usize, to: usize, nextRow: usize, rows: usize, columns: usize, adds: bool): void {
  for (let i: usize = 0; i < rows; i++)
    for (let j: usize = 0; j < columns; j++) {
      const at = to + i * nextRow + 4 * j
      const value = f32.load(edge + 4 * (i * COLUMNS + j))
      f32.store(at, adds ? f32.load(at) + value : value)
    }
}

/**
 * Adds rows of 32-bit floats up in 64-bit ones.
 *
 * @param from - the address of the first row
 * @param width - numbers of a row
 * @param sums - the address of `width` 64-bit floats, which are overwritten
 */
export function sumRows(from: usize, rows: usize, width: usize, sums: usize): void {
  if (width === 1) {
    f64.store(sums, sum(from, rows))
    return
  }
  memory.fill(sums, 0, 8 * width)
  for (let row: usize = 0; row < rows; row++) {
    let i: usize = 0
    for (; i + 4 <= width; i += 4) {
      const values = v128.load(from)
      const to = sums + 8 * i
      v128.store(to, f64x2.add(v128.load(to), f64x2.promote_low_f32x4(values)))
      v128.store(to, f64x2.add(v128.load(to, 16), f64x2.promote_low_f32x4(highOf(values))), 16)
      from += 16
    }
    for (; i < width; i++) {
      const to = sums + 8 * i
      f64.store(to, f64.load(to) + (f32.load(from) as f64))
      from += 4
    }
  }
}

function sum(from: usize, count: usize): f64 {
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  let i: usize = 0
  for (; i + 4 <= count; i += 4) {
    const values = v128.load(from + 4 * i)
    low = f64x2.add(low, f64x2.promote_low_f32x4(values))
    high = f64x2.add(high, f64x2.promote_low_f32x4(highOf(values)))
  }
  const both = f64x2.add(low, high)
  let total = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1)
  for (; i < count; i++) total += f32.load(from + 4 * i) as f64
  return total
}

/** The last two of four numbers come first. */
function highOf(values: v128): v128 {
  return v128.shuffle<f32>(values, values, 2, 3, 2, 3)
}
