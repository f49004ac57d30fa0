// What drawing a token promises: the token of a sorted vocabulary, without sorting it.
import { seededRandom } from '@alibi/core'
import { describe, expect, it, vi } from 'vitest'
import { type SamplingOptions, sampleToken } from '../src/index.js'

/** The definition: tokens in order, as many as are kept, each with its share of the range. */
function sorted(logits: ArrayLike<number>, options: SamplingOptions, random: () => number): number {
  const { temperature = 1, topK = logits.length, topP = 1 } = options
  const order = Array.from(logits, (_, id) => id).sort((a, b) => logits[b]! - logits[a]! || a - b)
  const kept = order.slice(0, topK)
  const weights = kept.map((id) => Math.exp((logits[id]! - logits[order[0]!]!) / temperature))
  const total = weights.reduce((a, b) => a + b, 0)
  let nucleus = 0
  let mass = 0
  while (nucleus < kept.length && mass < topP * total) mass += weights[nucleus++]!
  let left = random() * mass
  for (let i = 0; i < nucleus; i++) {
    left -= weights[i]!
    if (left < 0) return kept[i]!
  }
  return kept[nucleus - 1]!
}

const cases: SamplingOptions[] = [
  {},
  { temperature: 0.3 },
  { temperature: 5 },
  { topK: 1 },
  { topK: 7, temperature: 0.8 },
  { topK: 1000 },
  { topP: 0.9 },
  { topP: 0.5, temperature: 2 },
  { topP: 0.7, topK: 12 },
  { topP: 1e-9 },
]

describe.each(cases)('%j', (options) => {
  it.each([
    ['many ties', 1],
    ['few ties', 1000],
    ['all the same', 0],
  ])('draws as from a sorted vocabulary, with %s', (_, steps) => {
    const numbers = seededRandom(11)
    for (const size of [1, 2, 3, 17, 64, 301]) {
      // Some tokens are ruled out.
      const logits = Float32Array.from({ length: size }, (_, id) =>
        id % 5 === 3 ? -Infinity : Math.round(8 * numbers() * steps) / Math.max(1, steps),
      )
      const [own, wanted] = [seededRandom(size), seededRandom(size)]
      for (let draw = 0; draw < 60; draw++)
        expect(sampleToken(logits, options, own)).toBe(sorted(logits, options, wanted))
    }
  })
})

it('draws at the ends of the range', () => {
  const logits = Float32Array.of(0, 2, 1, 2)
  expect(sampleToken(logits, {}, () => 0)).toBe(1)
  expect(sampleToken(logits, {}, () => 1 - 2 ** -53)).toBe(0)
  expect(sampleToken(logits, { topK: 2 }, () => 1 - 2 ** -53)).toBe(3)
})

it.each([{ temperature: 0.7 }, { topK: 40 }, { topP: 0.9 }])('puts few tokens in order: %j', (options) => {
  const size = 4096
  const numbers = seededRandom(5)
  // As sharp as a trained model's.
  const values = Float32Array.from({ length: size }, () => 12 * numbers() ** 6)
  let reads = 0
  const counted = new Proxy(values, {
    get(target, name) {
      if (typeof name === 'string' && /^\d+$/.test(name)) reads += 1
      return Reflect.get(target, name, target)
    },
  })
  const sort = vi.spyOn(Array.prototype, 'sort')
  const random = seededRandom(3)
  for (let draw = 0; draw < 10; draw++) sampleToken(counted, options, random)
  expect(sort).not.toHaveBeenCalled()
  sort.mockRestore()
  // To sort is some 2·log₂ 4096 = 24 reads a token.
  expect(reads / 10 / size).toBeLessThan(16)
})
