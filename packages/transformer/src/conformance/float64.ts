// Attention as its formula reads, in float64 and without any care for speed. Letters: B batch, H heads, Q/K queries/keys,
// D features.

/** B, H, Q, K and D. */
export type Dims = readonly [B: number, H: number, Q: number, K: number, D: number]

/** What is added to a score; −∞ for a key that the query must not see. */
export type Bias64 = (head: number, query: number, key: number, batch: number) => number

/** softmax(q·kᵀ/√D + bias)·v over the keys up to each query; the queries are the last of the K tokens. */
export function attention64(
  [B, H, Q, K, D]: Dims,
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  bias: Bias64,
): Float64Array {
  const out = new Float64Array(B * H * Q * D)
  for (let bh = 0; bh < B * H; bh++)
    for (let i = 0; i < Q; i++) {
      const query = K - Q + i
      const scores = Array.from({ length: query + 1 }, (_, j) => {
        let dot = 0
        for (let d = 0; d < D; d++) dot += q[(bh * Q + i) * D + d]! * k[(bh * K + j) * D + d]!
        return dot / Math.sqrt(D) + bias(bh % H, query, j, Math.floor(bh / H))
      })
      const top = Math.max(...scores)
      const weights = scores.map((score) => Math.exp(score - top))
      const total = weights.reduce((a, b) => a + b)
      weights.forEach((weight, j) => {
        for (let d = 0; d < D; d++) out[(bh * Q + i) * D + d]! += (weight / total) * v[(bh * K + j) * D + d]!
      })
    }
  return out
}

/**
 * The gradients of Σ weight·{@link attention64}, from its formula.
 *
 * @param onScore - receives the gradient of each score
 */
export function attentionGradients64(
  [B, H, Q, K, D]: Dims,
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  bias: Bias64,
  weight: Float64Array,
  onScore: (head: number, query: number, key: number, gradient: number, batch: number) => void = () => {},
): [dq: Float64Array, dk: Float64Array, dv: Float64Array] {
  const gradients: [Float64Array, Float64Array, Float64Array] = [q, k, v].map(
    (x) => new Float64Array(x.length),
  ) as never
  const [dq, dk, dv] = gradients
  const dot = (a: Float64Array, i: number, b: Float64Array, j: number) => {
    let sum = 0
    for (let d = 0; d < D; d++) sum += a[i * D + d]! * b[j * D + d]!
    return sum
  }
  for (let bh = 0; bh < B * H; bh++)
    for (let i = 0; i < Q; i++) {
      const row = bh * Q + i
      const query = K - Q + i
      const scores = Array.from(
        { length: query + 1 },
        (_, j) => dot(q, row, k, bh * K + j) / Math.sqrt(D) + bias(bh % H, query, j, Math.floor(bh / H)),
      )
      const top = Math.max(...scores)
      // Sees nothing: its output is not defined, and nothing depends on it.
      if (top === Number.NEGATIVE_INFINITY) continue
      const powers = scores.map((score) => Math.exp(score - top))
      const total = powers.reduce((a, b) => a + b)
      const weights = powers.map((power) => power / total)
      const onWeights = weights.map((_, j) => dot(weight, row, v, bh * K + j))
      const mean = onWeights.reduce((sum, each, j) => sum + each * weights[j]!, 0)
      weights.forEach((each, j) => {
        const onThis = each * (onWeights[j]! - mean)
        onScore(bh % H, query, j, onThis, Math.floor(bh / H))
        for (let d = 0; d < D; d++) {
          dv[(bh * K + j) * D + d]! += each * weight[row * D + d]!
          dq[row * D + d]! += (onThis * k[(bh * K + j) * D + d]!) / Math.sqrt(D)
          dk[(bh * K + j) * D + d]! += (onThis * q[row * D + d]!) / Math.sqrt(D)
        }
      })
    }
  return gradients
}
