// The kernels as their formulas read, in float64 and without any care for speed: what the fast ones are compared with.
// Letters: D features, N rows, V vocabulary.

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
