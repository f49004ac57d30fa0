// Strategies in jax-js: its arrays behind the twenty-three operations of core, and any strategy computes with them.
import { alibi } from '@alibi/alibi'
import { initialParameters, positionRange, reference, scoreBias, type TensorOps } from '@alibi/core'
import { kerple } from '@alibi/kerple'
import { grad, nn, numpy as np } from '@jax-js/jax'

type Two = (a: np.Array, b: np.Array) => np.Array
type One = (x: np.Array) => np.Array
/** jax-js frees an array once it was used, unless by its `.ref`: strategies may use theirs again. */
const two =
  (f: Two): Two =>
  (a, b) =>
    f(a.ref, b.ref)
const one =
  (f: One): One =>
  (x) =>
    f(x.ref)

const jaxOps: TensorOps<np.Array> = {
  tensor: (data, shape) => np.array(Float32Array.from(data), { shape: [...shape] }),
  reshape: (x, shape) => x.ref.reshape([...shape]),
  transpose: (x, axes) => x.ref.transpose([...axes]),
  gather: (x, indices, axis) => np.take(x.ref, np.array(indices), axis),
  matmul: two(np.matmul),
  add: two(np.add),
  sub: two(np.subtract),
  mul: two(np.multiply),
  div: two(np.divide),
  pow: two(np.power),
  maximum: two(np.maximum),
  neg: one(np.negative),
  abs: one(np.abs),
  exp: one(np.exp),
  log1p: one(np.log1p),
  relu: one(nn.relu),
  sigmoid: one(nn.sigmoid),
  logSigmoid: one(nn.logSigmoid),
  cos: one(np.cos),
  sin: one(np.sin),
  sum: (x, axis) => np.sum(x.ref, axis, { keepdims: true }),
  cumulativeSum: (x, axis) => np.cumsum(x.ref, axis),
  interpolate(values, places) {
    const floor = np.floor(places.ref)
    const at = (place: np.Array) =>
      np.takeAlongAxis(values.ref, np.clip(place, 0, values.shape.at(-1)! - 1).astype(np.int32), -1)
    const below = at(floor.ref)
    const rise = np.subtract(at(np.add(floor.ref, 1)), below.ref)
    return np.add(below, np.multiply(np.subtract(places.ref, floor), rise))
  },
}
const [query, keys] = [positionRange(3, 1), positionRange(0, 4)]

const tile = scoreBias(jaxOps, alibi({ numHeads: 2 }).bias, {}, query, keys)
console.log(tile.js()) // → -0.1875, -0.125, -0.0625, 0, -0.01171875, -0.0078125, -0.00390625, 0

// What is learned has gradients: of KERPLE's −r₁·ln(1 + r₂·distance) by r₁, −Σ ln(1 + r₂·distance).
const { bias, parameters } = kerple({ numHeads: 1 })
const { r1, r2 } = initialParameters(jaxOps, parameters)
const total = (value: np.Array) => np.sum(scoreBias(jaxOps, bias, { r1: value, r2: r2! }, query, keys))
const [steepness] = initialParameters(reference, parameters).r2!.data
const expected = -[1, 2, 3].reduce((sum, distance) => sum + Math.log1p(steepness! * distance), 0)
const [slope] = grad(total)(r1!).js() as number[]
console.log(Math.abs(slope! - expected) < 1e-5) // → true
