// Letters: L tokens, H heads.
import { type PositionStrategy, positionRange, type ReferenceTensor, reference, rotate, scoreBias } from '@alibi/core'

/** Each row's weights, of finite scores. */
export function softmax(scores: readonly number[]): number[] {
  const highest = Math.max(...scores)
  const powers = scores.map((score) => Math.exp(score - highest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}

/**
 * The causal attention of one word, repeated: what is not even in a row comes from the positions alone. All three places
 * where a strategy can act are applied to a token of ones.
 *
 * @param headDim - features of the one head looked at
 * @param head - whose bias is added
 * @returns L rows; row q has q + 1 weights, which sum to 1
 */
export function attentionOfOneWord(strategy: PositionStrategy, length: number, headDim: number, head = 0): number[][] {
  const positions = positionRange(0, length)
  const shape = [length, headDim]
  let tokens: ReferenceTensor = reference.tensor(new Float64Array(length * headDim).fill(1), shape)
  if (strategy.embedding) tokens = reference.add(tokens, strategy.embedding.evaluate(reference, {}, positions))
  const side = (name: 'query' | 'key') =>
    strategy.rotation ? rotate(reference, strategy.rotation, tokens, shape, positions, name) : tokens
  const products = reference.matmul(side('query'), reference.transpose(side('key'), [1, 0]))
  const bias = strategy.bias && scoreBias(reference, strategy.bias, {}, positions, positions)
  return Array.from({ length }, (_, q) =>
    softmax(
      Array.from({ length: q + 1 }, (_, k) => {
        const score = products.data[q * length + k]! / Math.sqrt(headDim)
        return score + (bias ? bias.data[(head * length + q) * length + k]! : 0)
      }),
    ),
  )
}

/** How many of the last weights hold at least half. */
export function reachOfHalf(weights: readonly number[]): number {
  let sum = 0
  let count = 0
  while (sum < 0.5 && count < weights.length) sum += weights.at(-1 - count++)!
  return count
}
