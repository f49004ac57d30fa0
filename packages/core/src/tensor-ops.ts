import { fail } from './check.js'

/**
 * The tensor functions a strategy may use, NumPy-style with broadcasting. `@alibi/core` implements them in float64
 * (`reference`), `@alibi/transformer` for TensorFlow.js; any tensor library can.
 */
export interface TensorOps<T> {
  /** Row-major data from the host. An empty shape is a scalar. */
  tensor(data: ArrayLike<number>, shape: readonly number[]): T
  /** The same values, row-major, with other axes. */
  reshape(x: T, shape: readonly number[]): T
  /** `axes[i]` is the input axis that becomes output axis i. */
  transpose(x: T, axes: readonly number[]): T
  /** Takes slices along `axis` at host `indices`. */
  gather(x: T, indices: Int32Array, axis: number): T
  /** [..., m, k] × [..., k, n] → [..., m, n]; the leading dimensions are equal. */
  matmul(a: T, b: T): T
  /** a + b, broadcast. */
  add(a: T, b: T): T
  /** a − b, broadcast. */
  sub(a: T, b: T): T
  /** a·b, broadcast. */
  mul(a: T, b: T): T
  /** a/b, broadcast. */
  div(a: T, b: T): T
  /** base^exponent, broadcast; for bases ≥ 0. */
  pow(base: T, exponent: T): T
  /** The larger of the two, broadcast. */
  maximum(a: T, b: T): T
  /** −x */
  neg(x: T): T
  /** |x| */
  abs(x: T): T
  /** e^x */
  exp(x: T): T
  /** ln(1 + x) */
  log1p(x: T): T
  /** max(x, 0) */
  relu(x: T): T
  /** 1/(1 + e^−x) */
  sigmoid(x: T): T
  /** ln(1/(1 + e^−x)), finite for every finite x. */
  logSigmoid(x: T): T
  /** cos x */
  cos(x: T): T
  /** sin x */
  sin(x: T): T
  /** The sum along an axis, which stays with size 1. */
  sum(x: T, axis: number): T
  /** Running sums of finite values along an axis: each value with all before it. */
  cumulativeSum(x: T, axis: number): T
  /**
   * Values [..., P] at places [..., K] of their last axis; the leading dimensions are equal. A fractional place is read
   * on the line between its two neighbours, a place beyond an end as that end. Both have gradients.
   */
  interpolate(values: T, places: T): T
}

/** @throws TypeError unless `ops` looks like {@link TensorOps} */
export function checkOps(where: string, ops: unknown): void {
  if (typeof (ops as { tensor?: unknown } | undefined)?.tensor !== 'function')
    fail(where, 'tensor functions, e.g. reference', ops, TypeError)
}
