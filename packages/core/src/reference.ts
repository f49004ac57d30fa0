import { fail } from './check.js'
import { sizeOf } from './size-of.js'
import type { TensorOps } from './tensor-ops.js'

/** A float64 array and its shape; row-major. */
export interface ReferenceTensor {
  /** Sizes of its axes; empty for a scalar. */
  readonly shape: readonly number[]
  /** The values, the last axis fastest. */
  readonly data: Float64Array
}

/** A tensor from the value at each multi-index; `at` is reused. */
function fill(shape: readonly number[], value: (at: number[]) => number): ReferenceTensor {
  const at = shape.map(() => 0)
  const data = Float64Array.from({ length: sizeOf(shape) }, () => {
    const result = value(at)
    for (let axis = shape.length; axis-- && ++at[axis]! === shape[axis]; ) at[axis] = 0
    return result
  })
  return { shape, data }
}

/** The value at a multi-index: axes that x lacks in front do not count, axes of size 1 repeat. */
const read = ({ shape, data }: ReferenceTensor, at: readonly number[]): number =>
  data[shape.reduce((flat, size, i) => flat * size + (size === 1 ? 0 : at[at.length - shape.length + i]!), 0)]!

function tensor(data: ArrayLike<number>, shape: readonly number[]): ReferenceTensor {
  if (typeof data?.length !== 'number') fail('reference', 'values in an array', data, TypeError)
  if (!Array.isArray(shape) || !shape.every((n) => Number.isInteger(n) && n >= 0))
    fail('reference', 'a shape of integers ≥ 0', Array.isArray(shape) ? `[${shape}]` : shape, TypeError)
  if (data.length !== sizeOf(shape)) fail('reference', `${sizeOf(shape)} values for [${shape}]`, data.length)
  return { shape: [...shape], data: Float64Array.from(data) }
}

/** @throws TypeError unless each is a tensor of this backend */
function checkTensors(where: string, ...tensors: unknown[]): void {
  const other = tensors.find((x) => !((x as ReferenceTensor | undefined)?.data instanceof Float64Array))
  if (tensors.includes(other)) fail(where, 'a tensor of reference, from reference.tensor', other, TypeError)
}

function checkAxis(where: string, x: ReferenceTensor, axis: number): void {
  checkTensors(where, x)
  const { shape } = x
  if (!(Number.isInteger(axis) && axis >= 0 && axis < shape.length)) fail(where, `an axis of [${shape}]`, axis)
}

function broadcast(where: string, f: (a: number, b: number) => number) {
  return (a: ReferenceTensor, b: ReferenceTensor): ReferenceTensor => {
    checkTensors(where, a, b)
    const [long, short] = a.shape.length < b.shape.length ? [b.shape, a.shape] : [a.shape, b.shape]
    const shape = long.map((m, i) => {
      const n = short[i - long.length + short.length] ?? 1
      if (m !== n && m !== 1 && n !== 1) fail(where, 'shapes that broadcast', `[${a.shape}] and [${b.shape}]`)
      return m === 1 ? n : m
    })
    return fill(shape, (at) => f(read(a, at), read(b, at)))
  }
}

function map(where: string, f: (x: number) => number) {
  return (x: ReferenceTensor): ReferenceTensor => {
    checkTensors(where, x)
    return tensor(x.data.map(f), x.shape)
  }
}

/** The float64 backend: exact enough to be the oracle for every other, and all that core needs to be useful alone. */
export const reference: TensorOps<ReferenceTensor> = {
  tensor,
  reshape(x, shape) {
    checkTensors('reshape', x)
    return tensor(x.data, shape)
  },
  transpose(x, axes) {
    checkTensors('transpose', x)
    if (`${[...axes].sort()}` !== `${x.shape.map((_, axis) => axis)}`)
      fail('transpose', `each axis of [${x.shape}] once`, `[${axes}]`)
    const inverse = axes.map((_, axis) => axes.indexOf(axis))
    return fill(
      axes.map((axis) => x.shape[axis]!),
      (at) =>
        read(
          x,
          inverse.map((axis) => at[axis]!),
        ),
    )
  },
  gather(x, indices, axis) {
    checkAxis('gather', x, axis)
    const bad = indices.find((index) => !(index >= 0 && index < x.shape[axis]!))
    if (bad !== undefined) fail('gather', `indices from 0 to ${x.shape[axis]! - 1}`, bad)
    return fill(x.shape.with(axis, indices.length), (at) => read(x, at.with(axis, indices[at[axis]!]!)))
  },
  matmul(a, b) {
    checkTensors('matmul', a, b)
    const [batch, k] = [a.shape.slice(0, -2), a.shape.at(-1)!]
    if (b.shape.at(-2) !== k || `${batch}` !== `${b.shape.slice(0, -2)}`)
      fail('matmul', '[..., m, k] × [..., k, n]', `[${a.shape}] and [${b.shape}]`)
    const [m, n] = [a.shape.at(-2)!, b.shape.at(-1)!]
    // By flat indices: products are what most of the time goes to.
    const data = new Float64Array(sizeOf(batch) * m * n).map((_, i) => {
      const row = Math.floor(i / n)
      const start = Math.floor(row / m) * k * n + (i % n)
      let sum = 0
      for (let j = 0; j < k; j++) sum += a.data[row * k + j]! * b.data[start + j * n]!
      return sum
    })
    return { shape: [...a.shape.slice(0, -1), n], data }
  },
  add: broadcast('add', (a, b) => a + b),
  sub: broadcast('sub', (a, b) => a - b),
  mul: broadcast('mul', (a, b) => a * b),
  div: broadcast('div', (a, b) => a / b),
  pow: broadcast('pow', Math.pow),
  maximum: broadcast('maximum', Math.max),
  neg: map('neg', (x) => -x),
  abs: map('abs', Math.abs),
  exp: map('exp', Math.exp),
  log1p: map('log1p', Math.log1p),
  relu: map('relu', (x) => Math.max(x, 0)),
  sigmoid: map('sigmoid', (x) => 1 / (1 + Math.exp(-x))),
  // The exponent is never positive, so that nothing overflows.
  logSigmoid: map('logSigmoid', (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))),
  cos: map('cos', Math.cos),
  sin: map('sin', Math.sin),
  sum(x, axis) {
    checkAxis('sum', x, axis)
    return fill(x.shape.with(axis, 1), (at) => {
      let sum = 0
      for (let i = 0; i < x.shape[axis]!; i++) sum += read(x, at.with(axis, i))
      return sum
    })
  },
  cumulativeSum(x, axis) {
    checkAxis('cumulativeSum', x, axis)
    const stride = sizeOf(x.shape.slice(axis + 1))
    const data = x.data.slice()
    for (let i = 0; i < data.length; i++) if (Math.floor(i / stride) % x.shape[axis]!) data[i]! += data[i - stride]!
    return { shape: x.shape, data }
  },
  interpolate(values, places) {
    checkTensors('interpolate', values, places)
    const [P, K] = [values.shape.at(-1)!, places.shape.at(-1)!]
    if (`${values.shape.with(-1, K)}` !== `${places.shape}`)
      fail('interpolate', '[..., P] at [..., K]', `[${values.shape}] and [${places.shape}]`)
    const data = places.data.map((place, i) => {
      const at = Math.min(P - 1, Math.max(0, place))
      const low = Math.floor(at)
      const row = Math.floor(i / K) * P
      const [a, b] = [low, Math.ceil(at)].map((n) => values.data[row + n]!)
      return a! + (at - low) * (b! - a!)
    })
    return { shape: places.shape, data }
  },
}
