/**
 * The tensor functions a strategy may use, NumPy-style with broadcasting. `@alibi/core` implements them in float64
 * (`reference`), `@alibi/transformer` for TensorFlow.js; any tensor library can.
 */
export interface TensorOps<T> {
  /** Row-major data from the host. An empty shape is a scalar. */
  tensor(data: ArrayLike<number>, shape: readonly number[]): T
  reshape(x: T, shape: readonly number[]): T
  /** `axes[i]` is the input axis that becomes output axis i. */
  transpose(x: T, axes: readonly number[]): T
  /** Takes slices along `axis` at host `indices`. */
  gather(x: T, indices: Int32Array, axis: number): T
  /** [..., m, k] × [..., k, n] → [..., m, n]; the leading dimensions are equal. */
  matmul(a: T, b: T): T
  add(a: T, b: T): T
  sub(a: T, b: T): T
  mul(a: T, b: T): T
  div(a: T, b: T): T
  pow(base: T, exponent: T): T
  maximum(a: T, b: T): T
  neg(x: T): T
  abs(x: T): T
  exp(x: T): T
  /** ln(1 + x) */
  log1p(x: T): T
  relu(x: T): T
}
