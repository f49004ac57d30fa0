import type { TensorOps } from './tensor-ops.js'

/** A float64 array and its shape; row-major. */
export interface ReferenceTensor {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)

function make(data: ArrayLike<number>, shape: readonly number[]): ReferenceTensor {
  if (data.length !== sizeOf(shape))
    throw new RangeError(`reference: expected ${sizeOf(shape)} values for [${shape}], got ${data.length}`)
  return { shape: [...shape], data: Float64Array.from(data) }
}

/** Reads `source` (broadcast) in the order of `shape`: the flat source index of each output element. */
function indices(source: readonly number[], shape: readonly number[], axes = source.map((_, i) => i)): Int32Array {
  const strides = shape.map(() => 0)
  const lead = shape.length - source.length
  axes.forEach((axis, i) => {
    if (source[axis] !== 1) strides[lead + i] = sizeOf(source.slice(axis + 1))
  })
  return Int32Array.from({ length: sizeOf(shape) }, (_, flat) => {
    let index = 0
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index += (flat % shape[axis]!) * strides[axis]!
      flat = Math.floor(flat / shape[axis]!)
    }
    return index
  })
}

function broadcast(f: (a: number, b: number) => number) {
  return (a: ReferenceTensor, b: ReferenceTensor): ReferenceTensor => {
    const rank = Math.max(a.shape.length, b.shape.length)
    const shape = Array.from({ length: rank }, (_, i) => {
      const [m, n] = [a.shape.at(i - rank) ?? 1, b.shape.at(i - rank) ?? 1]
      if (m !== n && m !== 1 && n !== 1)
        throw new RangeError(`reference: expected shapes that broadcast, got [${a.shape}] and [${b.shape}]`)
      return m === 1 ? n : m
    })
    const [ia, ib] = [indices(a.shape, shape), indices(b.shape, shape)]
    return make(ia.length ? Float64Array.from(ia, (at, i) => f(a.data[at]!, b.data[ib[i]!]!)) : [], shape)
  }
}

const map = (f: (x: number) => number) => (x: ReferenceTensor) => make(x.data.map(f), x.shape)

/** The float64 backend: exact enough to be the oracle for every other, and all that core needs to be useful alone. */
export const reference: TensorOps<ReferenceTensor> = {
  tensor: make,
  reshape: (x, shape) => make(x.data, shape),
  transpose(x, axes) {
    const shape = axes.map((axis) => x.shape[axis]!)
    return make(
      Float64Array.from(indices(x.shape, shape, [...axes]), (i) => x.data[i]!),
      shape,
    )
  },
  gather(x, at, axis) {
    const length = x.shape[axis]!
    const inner = sizeOf(x.shape.slice(axis + 1))
    const outer = sizeOf(x.shape.slice(0, axis))
    const data = new Float64Array(outer * at.length * inner)
    for (let o = 0; o < outer; o++)
      at.forEach((index, i) => {
        if (index < 0 || index >= length)
          throw new RangeError(`gather: expected indices from 0 to ${length - 1}, got ${index}`)
        const from = (o * length + index) * inner
        data.set(x.data.subarray(from, from + inner), (o * at.length + i) * inner)
      })
    return make(data, x.shape.with(axis, at.length))
  },
  matmul(a, b) {
    const [m, k, n] = [a.shape.at(-2)!, a.shape.at(-1)!, b.shape.at(-1)!]
    const batch = a.shape.slice(0, -2)
    if (b.shape.at(-2) !== k || `${batch}` !== `${b.shape.slice(0, -2)}`)
      throw new RangeError(`matmul: expected [..., m, k] × [..., k, n], got [${a.shape}] and [${b.shape}]`)
    const data = new Float64Array(sizeOf(batch) * m * n)
    for (let row = 0; row < sizeOf(batch) * m; row++)
      for (let i = 0; i < k; i++) {
        const left = a.data[row * k + i]!
        const from = (Math.floor(row / m) * k + i) * n
        for (let j = 0; j < n; j++) data[row * n + j]! += left * b.data[from + j]!
      }
    return make(data, [...batch, m, n])
  },
  add: broadcast((a, b) => a + b),
  sub: broadcast((a, b) => a - b),
  mul: broadcast((a, b) => a * b),
  div: broadcast((a, b) => a / b),
  pow: broadcast(Math.pow),
  maximum: broadcast(Math.max),
  neg: map((x) => -x),
  abs: map(Math.abs),
  exp: map(Math.exp),
  log1p: map(Math.log1p),
  relu: map((x) => Math.max(x, 0)),
}
