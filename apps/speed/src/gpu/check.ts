// Letters: H heads, L tokens, D headDim; one row.
import { alibiSlopes } from '@alibi/alibi'
import * as tf from '@tensorflow/tfjs'
import { ways } from './attention.js'
import type { AttentionShape } from './sizes.js'

/** Forward in fp32: sums of up to L products, relative to the largest value. */
const FORWARD = 1e-5
const GRADIENTS = 1e-4

/**
 * Compares every way with float64, and its gradients with those of the stock one.
 *
 * @returns the largest error of each, relative to the largest value
 * @throws Error, one line, for one beyond fp32's
 */
export async function checkWays(
  shape: AttentionShape,
): Promise<Record<string, { forward: number; gradients: number }>> {
  const { heads: H, length: L, headDim: D } = shape
  const [q, k, v, dy] = Array.from({ length: 4 }, () => halves([1, H, L, D])) as tf.Tensor4D[]
  const slopes = alibiSlopes(H)
  const all = ways({ ...shape, matrices: true })
  const arrays = (await Promise.all([q!, k!, v!].map((x) => x.data()))) as Float32Array[]
  const stock = await gradientsOf(all['stock tfjs-webgpu']!)
  const errors: Record<string, { forward: number; gradients: number }> = {}
  for (const [name, attend] of Object.entries(all)) {
    const unbiased = /no bias|slopes of 0/.test(name)
    const want = attention64(arrays, [H, L, D], unbiased ? slopes.map(() => 0) : slopes)
    const output = tf.tidy(() => attend(q!, k!, v!))
    const forward = relativeError(await output.data(), want)
    output.dispose()
    // What has no bias has other gradients: those of ways that agree forward are compared.
    const gradients = unbiased ? 0 : Math.max(...(await gradientsOf(attend)).map((g, i) => relativeError(g, stock[i]!)))
    if (!(forward <= FORWARD && gradients <= GRADIENTS))
      throw new Error(
        `gpu: expected ${name} within ${FORWARD} of float64 and its gradients within ${GRADIENTS}, got ${forward} and ${gradients}; nothing is timed that is wrong`,
      )
    errors[name] = { forward, gradients }
  }
  tf.dispose([q!, k!, v!, dy!])
  return errors

  async function gradientsOf(attend: (typeof all)[string]): Promise<Float32Array[]> {
    const gradients = tf.grads(attend as (...tensors: tf.Tensor[]) => tf.Tensor)([q!, k!, v!], dy!)
    const values = (await Promise.all(gradients.map((g) => g.data()))) as Float32Array[]
    tf.dispose(gradients)
    return values
  }
}

/** Normal numbers of 11 significant bits, all of which float16 holds: storing them so changes no result. */
const halves = (shape: number[]) =>
  tf.tidy(() => tf.clipByValue(tf.div(tf.round(tf.mul(tf.randomNormal(shape), 256)), 256), -7, 7))

function attention64(
  [q, k, v]: readonly Float32Array[],
  [H, L, D]: readonly [number, number, number],
  slopes: readonly number[],
): Float64Array {
  const out = new Float64Array(H * L * D)
  for (let h = 0; h < H; h++)
    for (let i = 0; i < L; i++) {
      const query = (h * L + i) * D
      const scores = new Float64Array(i + 1)
      for (let j = 0; j <= i; j++) {
        let product = 0
        for (let d = 0; d < D; d++) product += q![query + d]! * k![(h * L + j) * D + d]!
        scores[j] = product / Math.sqrt(D) - slopes[h]! * (i - j)
      }
      const top = Math.max(...scores)
      const weights = scores.map((score) => Math.exp(score - top))
      const sum = weights.reduce((a, b) => a + b)
      for (let j = 0; j <= i; j++)
        for (let d = 0; d < D; d++) out[query + d]! += (weights[j]! / sum) * v![(h * L + j) * D + d]!
    }
  return out
}

function relativeError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let worst = 0
  let scale = 0
  for (let i = 0; i < want.length; i++) {
    worst = Math.max(worst, Math.abs(got[i]! - want[i]!))
    scale = Math.max(scale, Math.abs(want[i]!))
  }
  return worst / scale
}
