// The kernels as their formulas read, in float64 and without any care for speed: what the fast ones are compared with.
// Letters: B batch, H heads, Q/K queries/keys, D features, N rows, V vocabulary.

/** softmax(q·kᵀ/√D + bias)·v over the keys up to each query; the queries are the last of the K tokens. */
export function attention64(
  [B, H, Q, K, D]: readonly [number, number, number, number, number],
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  bias: (head: number, query: number, key: number, batch: number) => number,
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

/** (x − mean)/√(variance + 1e-5)·scale + shift, row by row. */
export function layerNorm64(D: number, x: Float64Array, scale: Float64Array, shift: Float64Array): Float64Array {
  return x.map((value, at) => {
    const row = x.subarray(at - (at % D), at - (at % D) + D)
    const mean = row.reduce((a, b) => a + b) / D
    const variance = row.reduce((sum, each) => sum + (each - mean) ** 2, 0) / D
    return ((value - mean) / Math.sqrt(variance + 1e-5)) * scale[at % D]! + shift[at % D]!
  })
}

export const gelu64 = (x: Float64Array): Float64Array =>
  x.map((value) => 0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3))))

/** x·Φ(x), with erf as its series of positive terms: 2/√π·exp(−x²)·Σ 2ⁿx²ⁿ⁺¹/(1·3·…·(2n + 1)). */
export const geluExact64 = (x: Float64Array): Float64Array =>
  x.map((value) => {
    const z = value / Math.SQRT2
    let [term, sum] = [z, z]
    for (let n = 1; n < 200; n++) {
      term *= (2 * z * z) / (2 * n + 1)
      sum += term
    }
    return 0.5 * value * (1 + (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum)
  })

/** x/√(mean(x²) + epsilon)·scale, row by row. */
export function rmsNorm64(D: number, x: Float64Array, scale: Float64Array, epsilon: number): Float64Array {
  return x.map((value, at) => {
    const row = x.subarray(at - (at % D), at - (at % D) + D)
    return (value / Math.sqrt(row.reduce((sum, each) => sum + each * each, 0) / D + epsilon)) * scale[at % D]!
  })
}

/** −ln softmax(logits)[target], row by row. */
export function crossEntropy64(V: number, logits: Float64Array, targets: ArrayLike<number>): Float64Array {
  return Float64Array.from(targets, (target, row) => {
    const values = logits.subarray(row * V, (row + 1) * V)
    const top = values.reduce((a, b) => Math.max(a, b))
    const total = values.reduce((sum, value) => sum + Math.exp(value - top), 0)
    return Math.log(total) + top - values[target]!
  })
}

/** d(Σ weight·f(inputs))/d(inputs[index]) by central differences: exact to about 1e-9 in float64. */
export function differences64(
  f: (...inputs: Float64Array[]) => Float64Array,
  inputs: readonly Float64Array[],
  index: number,
  weight: Float64Array,
): Float64Array {
  const h = 1e-5
  const value = (moved: Float64Array) => {
    const out = f(...inputs.map((input, i) => (i === index ? moved : input)))
    return out.reduce((sum, each, i) => sum + each * weight[i]!, 0)
  }
  return inputs[index]!.map((start, at) => {
    const shifted = (by: number) => value(inputs[index]!.with(at, start + by))
    return (shifted(h) - shifted(-h)) / (2 * h)
  })
}

/**
 * The gradients of Σ weight·{@link attention64}, from its formula.
 *
 * @param onScore - receives the gradient of each score
 */
export function attentionGradients64(
  [B, H, Q, K, D]: readonly [number, number, number, number, number],
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  bias: (head: number, query: number, key: number, batch: number) => number,
  weight: Float64Array,
  onScore: (head: number, query: number, key: number, gradient: number) => void = () => {},
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
      const [row, query] = [bh * Q + i, K - Q + i]
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
        onScore(bh % H, query, j, onThis)
        for (let d = 0; d < D; d++) {
          dv[(bh * K + j) * D + d]! += each * weight[row * D + d]!
          dq[row * D + d]! += (onThis * k[(bh * K + j) * D + d]!) / Math.sqrt(D)
          dk[(bh * K + j) * D + d]! += (onThis * q[row * D + d]!) / Math.sqrt(D)
        }
      })
    }
  return gradients
}
