// ALiBi in attention of your own, in plain arrays: one head at a time, no tensor library.
import { alibiSlopes } from '@alibi/alibi'

/**
 * Causal attention with a KV cache: the last query is at the last key's position.
 *
 * @param q - queries; [Q][headDim]
 * @param k - keys of all tokens so far; [K][headDim]
 * @param slope - the head's
 * @returns what each query attends to; [Q][K]
 */
function attentionWeights(q: number[][], k: number[][], slope: number): number[][] {
  const past = k.length - q.length
  return q.map((query, i) => {
    const position = past + i
    const scores = k.slice(0, position + 1).map((key, j) => {
      const dot = query.reduce((sum, x, feature) => sum + x * key[feature]!, 0)
      // After the scaling, which the bias has no part in; 0 for the token itself.
      return dot / Math.sqrt(query.length) - slope * (position - j)
    })
    const highest = Math.max(...scores)
    const weights = scores.map((score) => Math.exp(score - highest))
    const sum = weights.reduce((a, b) => a + b)
    return k.map((_, j) => (weights[j] ?? 0) / sum)
  })
}

const tokens = [
  [1, 0],
  [0, 1],
  [1, 1],
]
const [steepest, , , , , , , gentlest] = alibiSlopes(8)
const decoding = tokens.slice(-1)
console.log([steepest, gentlest]) // → 0.5, 0.00390625
console.log(attentionWeights(decoding, tokens, steepest!)) // → 0.123, 0.202, 0.675
console.log(attentionWeights(decoding, tokens, gentlest!)) // → 0.247, 0.248, 0.505
