import { alibi } from '@alibi/alibi'
import { none, type PositionStrategy } from '@alibi/core'
import { rotary } from '@alibi/rotary'
import { sinusoidal } from '@alibi/sinusoidal'
import { describe, expect, it } from 'vitest'
import { attentionOfOneWord, reachOfHalf, softmax } from '../src/attention.js'

it('makes weights of scores, whatever their size', () => {
  expect(softmax([0, Math.log(3)])).toBeAllclose([0.25, 0.75])
  expect(softmax([1000, 1000])).toEqual([0.5, 0.5])
})

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
})
