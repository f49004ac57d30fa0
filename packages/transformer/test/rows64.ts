// Gradients of what passes compute row by row, as its formulas say, in float64. Letters: N rows, D features.

type Numbers = ArrayLike<number>

/** The derivative of GELU in the tanh form, times dy. */
export function geluGradient64(x: Numbers, dy: Numbers): Float64Array {
  const c = Math.sqrt(2 / Math.PI)
  return Float64Array.from({ length: x.length }, (_, i) => {
    const value = x[i]!
    const t = Math.tanh(c * (value + 0.044715 * value ** 3))
    return dy[i]! * (0.5 * (1 + t) + 0.5 * value * (1 - t * t) * c * (1 + 3 * 0.044715 * value * value))
  })
}

/** The sum of rows of D numbers. */
export function sumRows64(x: Numbers, D: number): Float64Array {
  const sums = new Float64Array(D)
  for (let i = 0; i < x.length; i++) sums[i % D]! += x[i]!
  return sums
}

/** Gradients of a norm of rows: of the input, of the scale and, of layer normalisation, which is centred, of the shift. */
export function normGradients64(x: Numbers, scale: Numbers, dy: Numbers, epsilon: number, isCentered: boolean) {
  const D = scale.length
  const dx = new Float64Array(x.length)
  const dScale = new Float64Array(D)
  const mean = (of: (i: number) => number) => {
    let sum = 0
    for (let i = 0; i < D; i++) sum += of(i)
    return sum / D
  }
  for (let at = 0; at < x.length; at += D) {
    const center = isCentered ? mean((i) => x[at + i]!) : 0
    const inverse = 1 / Math.sqrt(mean((i) => (x[at + i]! - center) ** 2) + epsilon)
    const normal = (i: number) => (x[at + i]! - center) * inverse
    const d = (i: number) => dy[at + i]! * scale[i]!
    const along = mean((i) => d(i) * normal(i))
    const all = isCentered ? mean(d) : 0
    for (let i = 0; i < D; i++) {
      dx[at + i] = inverse * (d(i) - all - normal(i) * along)
      dScale[i]! += dy[at + i]! * normal(i)
    }
  }
  return isCentered ? [dx, dScale, sumRows64(dy, D)] : [dx, dScale]
}
