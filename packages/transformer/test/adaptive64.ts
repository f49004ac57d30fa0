// Adaptive input and softmax as their formulas read, in float64.
// Letters: N tokens, D modelDim; of band b: S tokens, E dimensions.

interface Band {
  readonly from: number
  readonly size: number
  readonly dim: number
}

/**
 * Σ_e table[token][e]·projection[e] of the token's band.
 *
 * @param arrays - each band's table [S, E] and projection [E, D]
 * @returns shape [N, D]
 */
export function adaptiveInput64(
  bands: readonly Band[],
  arrays: readonly Float64Array[],
  tokens: readonly number[],
): Float64Array {
  const D = bands[0]!.dim
  const out = new Float64Array(tokens.length * D)
  tokens.forEach((token, n) => {
    const band = bands.findIndex(({ from, size }) => token < from + size)
    const { from, dim } = bands[band]!
    for (let d = 0; d < D; d++)
      for (let e = 0; e < dim; e++)
        out[n * D + d]! += arrays[2 * band]![(token - from) * dim + e]! * arrays[2 * band + 1]![e * D + d]!
  })
  return out
}

/**
 * −ln p(token), or −ln p(tail) − ln p(token | tail).
 *
 * @param hidden - shape [N, D]
 * @param arrays - each band's table [S, E] and projection [E, D]; last the head's vectors of the tails [D, bands − 1]
 */
export function adaptiveLosses64(
  bands: readonly Band[],
  hidden: Float64Array,
  arrays: readonly Float64Array[],
  targets: readonly number[],
): Float64Array {
  const D = bands[0]!.dim
  const tailVectors = arrays.at(-1)!
  const numTails = bands.length - 1
  const dot = (length: number, a: (i: number) => number, b: (i: number) => number) =>
    Array.from({ length }, (_, i) => a(i) * b(i)).reduce((sum, each) => sum + each, 0)
  const surprise = (logits: readonly number[], at: number) => {
    const top = Math.max(...logits)
    return top + Math.log(logits.reduce((sum, each) => sum + Math.exp(each - top), 0)) - logits[at]!
  }
  return Float64Array.from(targets, (target, n) => {
    const x = (d: number) => hidden[n * D + d]!
    const band = bands.findIndex(({ from, size }) => target < from + size)
    const head = [
      ...Array.from({ length: bands[0]!.size }, (_, s) => dot(D, x, (d) => arrays[0]![s * D + d]!)),
      ...Array.from({ length: numTails }, (_, t) => dot(D, x, (d) => tailVectors[d * numTails + t]!)),
    ]
    if (band === 0) return surprise(head, target)
    const { from, size, dim } = bands[band]!
    const [table, projection] = [arrays[2 * band]!, arrays[2 * band + 1]!]
    const projected = Array.from({ length: dim }, (_, e) => dot(D, x, (d) => projection[e * D + d]!))
    const tail = Array.from({ length: size }, (_, s) =>
      dot(
        dim,
        (e) => projected[e]!,
        (e) => table[s * dim + e]!,
      ),
    )
    return surprise(head, bands[0]!.size + band - 1) + surprise(tail, target - from)
  })
}
