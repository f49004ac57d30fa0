import { describe, expect, it } from 'vitest'
import {
  attentionScores,
  attentionWeights,
  byLayer,
  compose,
  defineStrategy,
  initialParameters,
  isVisible,
  layerStrategy,
  none,
  type PositionStrategy,
  positionRange,
  reference,
} from '../src/index.js'
import { clippedTable, gate, softCapped, terms } from './sound-content.js'
import { embedding, linear, make, rotation, wave } from './sound-strategies.js'

const [numHeads, headDim, length] = [2, 4, 5]
const features = (rate: number, ...shape: number[]) =>
  reference.tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(rate * i)),
    shape,
  )
const pass = {
  q: features(1.7, numHeads, length, headDim),
  k: features(2.3, numHeads, length, headDim),
  x: features(3.1, length, 4),
  ...{ numHeads, headDim, numQueries: length, positions: positionRange(0, length) },
}
const scoresOf = (strategy: PositionStrategy, changes: Partial<typeof pass & { documents: Int32Array }> = {}) =>
  attentionScores(reference, strategy, initialParameters(reference, strategy.parameters, 3), { ...pass, ...changes })
const plain = scoresOf(none()).data
const forget = gate((ops, z) => ops.logSigmoid(z))

describe('attention scores', () => {
  it('are q·k/√headDim, and −1e30 ahead', () => {
    const product = Array.from({ length: headDim }, (_, i) => pass.q.data[12 + i]! * pass.k.data[4 + i]!)
    expect(plain[3 * length + 1]).toBeCloseTo(product.reduce((a, b) => a + b) / 2, 12)
    expect(plain[1 * length + 3]).toBe(-1e30)
  })

  it('gain the gates of the tokens after the key', () => {
    const { w } = initialParameters(reference, forget.parameters, 3)
    const gates = forget.gate.evaluate(reference, { w: w! }, pass.x).data
    const got = scoresOf(forget).data
    const after = [2, 3, 4].map((token) => gates[token * numHeads]!).reduce((a, b) => a + b)
    expect(got[4 * length + 1]! - plain[4 * length + 1]!).toBeCloseTo(after, 12)
  })

  it('gain what a query makes of the distance, for each pair', () => {
    const strategy = terms({})
    const { rows } = initialParameters(reference, strategy.parameters, 3)
    const [row] = clippedTable(Int32Array.of(3))
    const met = [0, 1, 2, 3].map((i) => pass.q.data[4 * headDim + i]! * rows!.data[row! * 4 + i]!)
    const got = scoresOf(strategy).data
    expect(got[4 * length + 1]! - plain[4 * length + 1]!).toBeCloseTo(met.reduce((a, b) => a + b) / 2, 12)
  })

  it('end at documents, in which gates count alone', () => {
    const documents = Int32Array.of(7, 7, 9, 9, 9)
    const positions = Int32Array.of(0, 1, 0, 1, 2)
    const got = scoresOf(forget, { documents, positions }).data
    const whole = scoresOf(forget).data
    for (const [query, key] of [
      [1, 0],
      [4, 2],
    ] as const)
      expect(got[query * length + key]).toBeCloseTo(whole[query * length + key]!, 12)
    expect(got[3 * length + 1]).toBe(-1e30)
  })

  it.each<[string, () => unknown, string]>([
    ['layers', () => scoresOf(byLayer([none()])), 'the strategy of one layer, got by-layer(none); take layerStrategy'],
    [
      'a strategy of other heads',
      () => scoresOf(make({ bias: linear([1]) })),
      'a pass of 1 heads, which the bias of small has, got 2',
    ],
    [
      'another headDim',
      () => scoresOf(make({ scores: { ...softCapped(5).scores, headDim: 8 } })),
      'a pass of headDim 8, which small is made for, got 4',
    ],
    ['no x', () => scoresOf(forget, { x: undefined as never }), 'x, which the gate of small reads, got none'],
    ['more queries than keys', () => scoresOf(none(), { numQueries: 6 }), 'at most 5 queries, the last of 5 tokens'],
    ['too few documents', () => scoresOf(none(), { documents: Int32Array.of(1) }), '5 documents, an id for each token'],
    [
      'gates of another shape',
      () => scoresOf(gate((ops, z) => ops.sum(ops.neg(ops.abs(z)), 1))),
      'gates of shape [5,2], got [5,1]',
    ],
  ])('refuse %s', (_what, run, message) => {
    expect(run).toThrow(message)
  })
})

describe('attention weights', () => {
  const sums = (strategy: PositionStrategy) => {
    const { data } = attentionWeights(strategy, pass)
    return Array.from({ length: numHeads * length }, (_, row) =>
      data.subarray(row * length, (row + 1) * length).reduce((a, b) => a + b, 0),
    )
  }

  it('add up to 1, and to less where a sink takes its share', () => {
    for (const sum of sums(none())) expect(sum).toBeCloseTo(1, 12)
    const off = make({ sink: { numHeads, evaluate: (ops) => ops.tensor([0, 0], [2]) } })
    expect(sums(off)[0]).toBeCloseTo(Math.exp(plain[0]!) / (1 + Math.exp(plain[0]!)), 12)
  })

  it('are exp of scores that are logarithms of weights', () => {
    const strategy = make({
      scores: { numHeads, headDim, weights: 'exp', evaluate: (ops, _p, { scores }) => ops.logSigmoid(scores) },
    })
    expect(attentionWeights(strategy, pass).data[0]).toBeCloseTo(1 / (1 + Math.exp(-plain[0]!)), 12)
  })
})

it('sees a window and the first tokens of a document', () => {
  const seen = (query: number, start = 0) =>
    [0, 1, 2, 3, 4, 5].filter((key) => isVisible({ window: 2, sinks: 1 }, query, key, start))
  expect(seen(5)).toEqual([0, 4, 5])
  expect(seen(5, 2)).toEqual([2, 4, 5])
  expect([1, 9].map((key) => isVisible(undefined, 4, key))).toEqual([true, false])
})

describe('by layer', () => {
  const [a, b] = [make({ bias: linear([1, 1]) }), rotation({})]

  it('repeats a pattern, or asks a function', () => {
    const pattern = byLayer([a, a, none()])
    expect([0, 1, 2, 3, 5].map((layer) => layerStrategy(pattern, layer).name)).toEqual([
      'small',
      'small',
      'none',
      'small',
      'none',
    ])
    expect(layerStrategy(pattern, 0)).toBe(layerStrategy(pattern, 4))
    expect(byLayer((layer) => (layer ? a : none()), { numLayers: 2, name: 'mix' })).toMatchObject({ name: 'mix' })
    expect(layerStrategy(a, 7)).toBe(a)
  })

  it('composes each layer, until all patterns end together', () => {
    const two = defineStrategy<PositionStrategy>({ ...byLayer([b, none()]), name: 'two' })
    const three = byLayer([{ ...make({ visibility: { window: 4 } }), name: 'seen' }, none(), none()], {
      name: 'three',
    })
    const whole = compose(two, three, { ...a, name: 'slopes' })
    expect(whole.layers).toHaveLength(6)
    expect(whole.layers!.map(({ rotation, visibility }) => [rotation !== undefined, visibility?.window])).toEqual([
      [true, 4],
      [false, undefined],
      [true, undefined],
      [false, 4],
      [true, undefined],
      [false, undefined],
    ])
    // Of the same parts, one object, whose parameters they share.
    expect(whole.layers![2]).toBe(whole.layers![4])
  })

  it('adds an embedding once, below the layers', () => {
    const whole = compose(make({ embedding: embedding(wave) }), byLayer([b, none()], { name: 'two' }))
    expect(whole.embedding?.modelDim).toBe(2)
    expect(whole.layers!.every((layer) => layer.embedding === undefined)).toBe(true)
  })

  it.each<[string, () => unknown, string]>([
    ['a single strategy', () => byLayer(a as never), 'strategies in an array, or a function of the layer'],
    ['a function without numLayers', () => byLayer(() => a), 'an integer numLayers ≥ 1'],
    ['numLayers of an array', () => byLayer([a], { numLayers: 3 }), 'numLayers with a function of the layer'],
    ['an empty pattern', () => byLayer([]), 'as strategies in an array, got none'],
    ['a layer below 0', () => layerStrategy(a, -1), 'an integer layer ≥ 0, got -1'],
  ])('refuses %s', (_what, run, message) => {
    expect(run).toThrow(message)
  })
})

it('refuses sink logits of another number of heads', () => {
  const strategy = defineStrategy({ name: 'x', sink: { numHeads, evaluate: (ops) => ops.tensor([0], [1]) } })
  expect(() => attentionWeights(strategy, pass)).toThrow('attentionScores: expected sink logits of shape [2], got [1]')
})

it.each<[string, PositionStrategy]>([
  ['modelDim', { ...forget, gate: { ...forget.gate, modelDim: 6 } }],
  ['headDim', { ...softCapped(5), scores: { ...softCapped(5).scores, headDim: 6 } }],
  ['numHeads', byLayer([none(), make({ bias: linear([1, 2, 3]) })])],
])('composes no parts of another %s', (size, part) => {
  const other = { ...part, name: 'other' }
  const same = { ...compose(forget, { ...terms({}), name: 'terms' }), name: 'same' }
  expect(() => compose(same, other)).toThrow(`compose: expected one ${size}, got several of same, other`)
})

it('composes gates as shares that multiply, and refuses two rewrites', () => {
  const both = compose(forget, { ...forget, name: 'again' })
  const single = scoresOf(forget).data
  const { w } = initialParameters(reference, forget.parameters, 3)
  const parameters = { 'small.w': w!, 'again.w': w! }
  const got = attentionScores(reference, both, parameters, pass).data
  const at = 4 * length + 1
  expect(got[at]! - plain[at]!).toBeCloseTo(2 * (single[at]! - plain[at]!), 12)
  expect(() => compose(softCapped(5), { ...softCapped(6), name: 'other' })).toThrow(
    'compose: expected one scores, got several of small, other',
  )
})
