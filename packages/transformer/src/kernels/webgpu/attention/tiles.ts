// WGSL that attention's kernels share. A workgroup works on tiles of T rows × T columns; each of its (T/4)² threads on 4 × 4
// of them. Letters: T tile, G = T/4 groups of four, D headDim, C features staged at a time.

import { unpackCode } from '../half.js'
import { wgsl } from '../wgsl.js'
import { turnOnLoad } from './rotation.js'

/** What a kernel is generated for. */
export interface TileShape {
  /** T: 64 where workgroups have the memory and threads for it, else 32. */
  readonly tile: number
  /** D; a multiple of 4. */
  readonly headDim: number
  /** Whether queries, keys and values are one tensor `qkv`. */
  readonly packed: boolean
  /** Whether queries, keys and values are stored as float16, two in 32 bits. What is computed of them is float32. */
  readonly half: boolean
  /** Queries and keys turn as they are read: how far apart the features of a pair are. Absent: they do not. */
  readonly pairStride?: number | undefined
}

export const LANES = ['x', 'y', 'z', 'w'] as const
export const repeat = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n')

/** vec4s of a row's features that each thread accumulates. */
export const columnsPerThread = ({ tile, headDim }: TileShape) => Math.ceil(headDim / tile)

/**
 * Copies features [at, at + C) of rows [row, row + T) to workgroup memory, feature by feature: `target[d·G + g]` holds
 * feature at + d of rows 4g to 4g + 3, as products of tiles read it.
 *
 * @param load - WGSL: (row, vec4 of features) → vec4f, zero outside
 */
export const loadTile = ({ tile }: TileShape, target: string, load: string, row: string, chunk: number) => wgsl`
    for (var i = thread; i < ${(tile / 4) * (chunk / 4)}u; i += THREADS) {
      let g = i % G;
      let part = i / G;
      let a = ${load}(${row} + 4u * g, at / 4u + part);
      let b = ${load}(${row} + 4u * g + 1u, at / 4u + part);
      let c = ${load}(${row} + 4u * g + 2u, at / 4u + part);
      let d = ${load}(${row} + 4u * g + 3u, at / 4u + part);
      ${LANES.map((lane, i) => `${target}[(4u * part + ${i}u) * G + g] = vec4f(a.${lane}, b.${lane}, c.${lane}, d.${lane});`).join('\n      ')}
    }`

/** `name`0 to 3: 4 rows × 4 columns of a product, filled by {@link multiply}. */
export const accumulators = (name: string) => repeat(4, (r) => `var ${name}${r} = vec4f();`)

/** Adds one feature's products to accumulators. */
export const multiply = (name: string, rows: string, columns: string) => wgsl`
      let ${name}Rows = ${rows}[d * G + ty];
      let ${name}Columns = ${columns}[d * G + tx];
      ${LANES.map((lane, r) => `${name}${r} += ${name}Rows.${lane} * ${name}Columns;`).join(' ')}`

/** Hands a thread's 4 × 4 numbers to the workgroup: `weights[column·G + g]` holds rows 4g to 4g + 3. */
export const writeWeights = (name: string) =>
  LANES.map(
    (lane, c) =>
      `weights[(4u * tx + ${c}u) * G + ty] = vec4f(${name}0.${lane}, ${name}1.${lane}, ${name}2.${lane}, ${name}3.${lane});`,
  ).join('\n')

/** Sums: `name`r_m, features tx + G·m of row r. */
export const declareSums = (shape: TileShape, name: string) =>
  repeat(columnsPerThread(shape), (m) => repeat(4, (r) => `var ${name}${r}_${m} = vec4f();`))

/** Adds weights·x over `count` columns from `first`; x is read where it is, as every thread of a row needs it once. */
export const accumulate = (shape: TileShape, name: string, load: string, first: string, count: string) => wgsl`
    for (var j = 0u; j < ${count}; j++) {
      let w = weights[j * G + ty];
      ${repeat(
        columnsPerThread(shape),
        (m) =>
          `{ let x = ${load}(${first} + j, tx + ${m}u * G); ${LANES.map((lane, r) => `${name}${r}_${m} += w.${lane} * x;`).join(' ')} }`,
      )}
    }`

/** Writes sums to rows [row, row + T). */
export const writeRows = (shape: TileShape, name: string, write: string, row: string, factor: (r: number) => string) =>
  repeat(columnsPerThread(shape), (m) =>
    repeat(4, (r) => `${write}(${row} + 4u * ty + ${r}u, tx + ${m}u * G, ${name}${r}_${m} * ${factor(r)});`),
  )

/** Constants, this thread's place, and the workgroup's head. */
export const header = ({ tile, headDim }: TileShape) => wgsl`
const T = ${tile}u;
const G = ${tile / 4}u;
const THREADS = ${(tile / 4) ** 2}u;
const D4 = ${headDim / 4}u;
const SCALE = ${1 / Math.sqrt(headDim)};
/** Stands for a score that is masked. */
const LOWEST = -3e38;
var<private> thread: u32;
var<private> tx: u32;
var<private> ty: u32;
var<private> bh: u32;
var<private> b: u32;
var<private> h: u32;

fn initThread(localIndex: u32, head: u32) {
  thread = localIndex;
  tx = thread % G;
  ty = thread / G;
  bh = head;
  b = bh / u.heads;
  h = bh % u.heads;
}
`

/** `load_x(row, part)`: four features of a row of tensor x, zero past its end. */
export const readFunction = (
  name: string,
  buffer: string,
  layout: string,
  offset: string,
  rows: string,
  { half = false, verb = 'load' } = {},
) => wgsl`
fn at_${name}(row: u32, part: u32) -> u32 {
  return b * u.${layout}Batch + h * u.${layout}Head + row * u.${layout}Row + u.${offset} + part;
}
fn ${verb}_${name}(row: u32, part: u32) -> vec4f {
  if (row < u.${rows} && part < D4) { return ${half ? 'unpack' : ''}(${buffer}[at_${name}(row, part)]); }
  return vec4f();
}
`
export const writer = (name: string, buffer: string, layout: string, offset: string, rows: string) => wgsl`
fn write_${name}(row: u32, part: u32, value: vec4f) {
  if (row < u.${rows} && part < D4) {
    ${buffer}[b * u.${layout}Batch + h * u.${layout}Head + row * u.${layout}Row + u.${offset} + part] = value;
  }
}
`

/** Every kernel reads queries and keys. */
export const queriesKeys = ({ packed, half, pairStride }: TileShape) => {
  const verb = pairStride ? 'given' : 'load'
  return wgsl`
${half ? unpackCode : ''}
${readFunction('q', packed ? 'qkv' : 'q', 'q', 'qOffset', 'numQueries', { half, verb })}
${readFunction('k', packed ? 'qkv' : 'k', 'k', 'kOffset', 'numKeys', { half, verb })}
${pairStride ? turnOnLoad(pairStride) : ''}`
}

export const values = ({ packed, half }: TileShape) =>
  readFunction('v', packed ? 'qkv' : 'v', 'k', 'vOffset', 'numKeys', { half })
