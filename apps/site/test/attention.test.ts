import { alibi } from '@alibi/alibi'
import { layerStrategy, none, type PositionStrategy, reference } from '@alibi/core'
import { forgetting } from '@alibi/forgetting'
import { irope, rotary } from '@alibi/rotary'
import { sinusoidal } from '@alibi/sinusoidal'
import { streaming } from '@alibi/streaming'
import { describe, expect, it } from 'vitest'
import { stickBreaking } from '../../../docs/examples/strategies/stick-breaking.js'
import { attentionOf, attentionOfOneWord, reachOfHalf } from '../src/attention.js'

function softmax(scores: readonly number[]): number[] {
  const powers = scores.map(Math.exp)
  const sum = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / sum)
}

it('tells how many of the last weights hold half', () => {
  expect(reachOfHalf([0.25, 0.25, 0.25, 0.25])).toBe(2)
  expect(reachOfHalf([0.1, 0.2, 0.7])).toBe(1)
})

describe('attention of one word', () => {
  const row = (strategy: PositionStrategy, head?: number) => attentionOfOneWord(strategy, 4, 8, head).at(-1)!

  it('is even without positions', () => {
    expect(row(none())).toBeAllclose([0.25, 0.25, 0.25, 0.25])
  })

  it('is what ALiBi’s penalties leave, head by head', () => {
    for (const [head, slope] of [1 / 2, 1 / 4, 1 / 8].entries())
      expect(row(alibi({ numHeads: 8 }), head)).toBeAllclose(softmax([-3, -2, -1, 0].map((d) => slope * d)))
  })

  it('is of turned products: √headDim·mean of cos + … of the angles between', () => {
    // A pair of ones turned by α and by β has the product 2·cos(α − β).
    const frequencies = [1, 0.1, 0.01, 0.001]
    const scores = [3, 2, 1, 0].map((d) => frequencies.reduce((sum, f) => sum + 2 * Math.cos(d * f), 0) / Math.sqrt(8))
    expect(row(rotary({ rotaryDim: 8 }))).toBeAllclose(softmax(scores))
  })

  it('is of words with sinusoids added', () => {
    const word = (p: number) => [1, 0.1, 0.01, 0.001].flatMap((f) => [1 + Math.sin(p * f), 1 + Math.cos(p * f)])
    const product = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0) / Math.sqrt(8)
    const scores = [0, 1, 2, 3].map((key) => product(word(3), word(key)))
    expect(row(sinusoidal({ modelDim: 8 }))).toBeAllclose(softmax(scores))
  })
  it('is even in the window and on the first words, and in a layer without positions', () => {
    const [window, sinks] = [2, 1]
    expect(row(streaming(none(), { window, sinks }))).toBeAllclose([1 / 3, 0, 1 / 3, 1 / 3])
    expect(row(layerStrategy(irope({ rotaryDim: 8 }), 3))).toBeAllclose([0.25, 0.25, 0.25, 0.25])
    // Distances 3 in the text, 2 in a cache of 3 words.
    const near = { window, sinks, positions: 'cache', numHeads: 8, headDim: 8 } as const
    expect(row(streaming(alibi({ numHeads: 8 }), near))).toBeAllclose([...softmax([-1, -0.5, 0])].toSpliced(1, 0, 0))
  })
})

describe('attention of words', () => {
  const column = (...values: number[]) => reference.tensor(values, [values.length, 1])

  it('fades by the product of the gates after a key', () => {
    const strategy = forgetting({ numHeads: 1, modelDim: 1 })
    const parameters = { w: reference.tensor([1], [1, 1]), b: reference.tensor([0], [1]) }
    // Gates of odds p : 1, whose logarithms are the features.
    const x = column(...[1, 3, 1 / 4].map(Math.log))
    const [, second, third] = [1 / 2, 3 / 4, 1 / 5]
    const [q, k] = [column(0, 0, 0), column(0, 0, 0)]
    const shares = [second! * third!, third!, 1]
    const total = shares.reduce((a, b) => a + b)
    const weights = attentionOf(strategy, { q, k, x }, { parameters }).at(-1)
    expect(weights).toBeAllclose(shares.map((share) => share / total))
  })

  it('breaks a stick from its near end', () => {
    const score = Math.log(0.2 / 0.8)
    const words = { q: column(score, score, score), k: column(1, 1, 1) }
    const weights = attentionOf(stickBreaking({ numHeads: 1, headDim: 1 }), words).at(-1)
    expect(weights).toBeAllclose([0.2 * 0.8 * 0.8, 0.2 * 0.8, 0.2])
  })
})
