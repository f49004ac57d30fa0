import { readFileSync } from 'node:fs'
import { alibi } from '@alibi/alibi'
import {
  attentionWeights,
  byLayer,
  compose,
  defineStrategy,
  initialParameters,
  none,
  type PositionStrategy,
  positionRange,
  type ReferenceTensor,
  reference,
} from '@alibi/core'
import { fire } from '@alibi/fire'
import { dynamicNtkScaling, rotary, xPos, yarnScaling } from '@alibi/rotary'
import { sinusoidal } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'
import { describe, expect, it } from 'vitest'
import { sinkLogit, streaming, windowed } from '../src/index.js'

interface Golden {
  readonly q: number[][][]
  readonly k: number[][][]
  readonly window: number
  readonly learned: { readonly logits: number[]; readonly weights: number[][][] }
  readonly offByOne: number[][][]
  readonly inCache: {
    readonly q: number[][][]
    readonly k: number[][][]
    readonly window: number
    readonly sinks: number
    readonly rotary: number[][][]
    readonly alibi: number[][][]
  }
}
const golden: Golden = JSON.parse(readFileSync(new URL('golden/weights.json', import.meta.url), 'utf8'))
const [numHeads, length, headDim] = [3, 9, 4]
const pass = {
  q: reference.tensor(golden.q.flat(2), [numHeads, length, headDim]),
  k: reference.tensor(golden.k.flat(2), [numHeads, length, headDim]),
  numHeads,
  headDim,
  numQueries: length,
  positions: positionRange(0, length),
}
// They compute in fp32.
const FP32 = { rtol: 1e-5, atol: 1e-7 }
const seen = windowed({ window: golden.window })

it('weighs as gpt-oss of transformers does', () => {
  const strategy = compose(seen, sinkLogit({ numHeads }))
  const logits = reference.tensor(golden.learned.logits, [numHeads])
  expect(attentionWeights(strategy, pass, { 'sink-logit.logits': logits })).toBeAllclose(golden.learned.weights, FP32)
})

it('weighs as the off-by-one softmax with a logit of 0', () => {
  const strategy = compose(seen, sinkLogit({ numHeads, learned: false }))
  expect(attentionWeights(strategy, pass)).toBeAllclose(golden.offByOne, FP32)
})

it('sees the window and the first tokens of each document, and nothing else', () => {
  const documents = Int32Array.of(0, 0, 0, 0, 0, 1, 1, 1, 1)
  const { data } = attentionWeights(windowed({ window: 2, sinks: 1 }), { ...pass, documents })
  const rows = Array.from({ length }, (_, query) =>
    [...data.subarray(query * length, (query + 1) * length)].map((weight) => (weight > 0 ? 'x' : '.')).join(''),
  )
  expect(rows).toEqual([
    'x........',
    'xx.......',
    'xxx......',
    'x.xx.....',
    'x..xx....',
    '.....x...',
    '.....xx..',
    '.....xxx.',
    '.....x.xx',
  ])
})

describe('positions within the cache', () => {
  const { inCache } = golden
  const length = inCache.q[0]!.length
  const text = {
    ...pass,
    q: reference.tensor(inCache.q.flat(2), [numHeads, length, headDim]),
    k: reference.tensor(inCache.k.flat(2), [numHeads, length, headDim]),
    numQueries: length,
    positions: positionRange(0, length),
  }
  const { window, sinks } = inCache
  const options = { window, sinks, positions: 'cache', numHeads, headDim } as const

  it.each([
    ['rotary', rotary({ rotaryDim: headDim })],
    ['alibi', alibi({ numHeads, slopes: [0.5, 0.25, 0.125] })],
  ] as const)('weigh as the authors’ code does with %s', (name, strategy) => {
    // They compute in float64; the numbers have 12 digits.
    const close = { rtol: 1e-10, atol: 1e-12 }
    expect(attentionWeights(streaming(strategy, options), text)).toBeAllclose(inCache[name], close)
    const inText = attentionWeights(streaming(strategy, { window, sinks }), text)
    expect(inText.data).not.toBeAllclose([...inCache[name].flat(2)], { rtol: 0.01 })
  })

  /** Half of a turn for each, which training may change. */
  const trained = defineStrategy({
    name: 'trained',
    parameters: { rates: { shape: [2], init: { kind: 'values', values: [1, 0.1] } } },
    rotation: {
      rotaryDim: 4,
      pairing: 'half',
      cacheable: true,
      angles: (at: Int32Array) => Float64Array.from([...at].flatMap((p) => [p, p / 10])),
      trainedAngles: (ops, { rates }, at) => ops.mul(ops.tensor(at, [1, at.length, 1]), ops.reshape(rates!, [1, 1, 2])),
    },
  })

  it.each<PositionStrategy>([
    xPos({ rotaryDim: 4, scaleBase: 8 }),
    rotary({ rotaryDim: 4, scaling: yarnScaling({ factor: 4, originalMaxPositions: 8 }) }),
    t5Bias({ numHeads, maxDistance: 8, numBuckets: 8 }),
    compose(trained, alibi({ numHeads, learned: true })),
  ])('are those of a text without the tokens between: $name', (strategy) => {
    const { parameters } = strategy
    const values = initialParameters(reference, parameters, 3)
    const whole = attentionWeights(streaming(strategy, options), text, values)
    for (let query = sinks + window; query < length; query++) {
      const kept = Int32Array.from({ length: sinks + window }, (_, i) =>
        i < sinks ? i : query - window + 1 + i - sinks,
      )
      const some = (x: ReferenceTensor, indices: Int32Array) => reference.gather(x, indices, 1)
      const positions = positionRange(0, kept.length)
      const cut = { q: some(text.q, Int32Array.of(query)), k: some(text.k, kept), numQueries: 1, positions }
      const want = attentionWeights(strategy, { ...pass, ...cut }, values)
      const row = reference.gather(reference.gather(whole, Int32Array.of(query), 1), kept, 2)
      expect(row).toBeAllclose([...want.data], { rtol: 1e-9, atol: 1e-12 })
    }
  })

  it('are refused to what depends on more than the distance', () => {
    const refused = (strategy: PositionStrategy) => () => streaming(strategy, options)
    expect(refused(sinusoidal({ modelDim: 4 }))).toThrow(
      "streaming: expected a rotation or bias of the distance alone with positions 'cache', got the embedding of sinusoidal",
    )
    const first = compose(sinusoidal({ modelDim: 4 }), byLayer([none()]))
    expect(refused(first)).toThrow('got the embedding of')
    const dynamic = dynamicNtkScaling({ factor: 2, originalMaxPositions: 8 })
    expect(refused(rotary({ rotaryDim: 4, scaling: dynamic }))).toThrow('got the rotation of rotary')
    expect(refused(fire({ numHeads, threshold: 4 }))).toThrow('got the bias of fire')
    expect(() => streaming(none(), { window: 2, positions: 'memory' as never })).toThrow(
      'one of text,cache, got memory',
    )
    const later = { ...text, positions: positionRange(5, length) }
    expect(() => attentionWeights(streaming(rotary({ rotaryDim: 4 }), options), later)).toThrow('from 0 on')
  })
})

it('keeps a strategy’s parameters, and the layers that are one', () => {
  const learned = alibi({ numHeads, learned: true })
  const strategy = streaming(learned, { window: 8, sinks: 4 })
  expect(strategy).toMatchObject({ name: 'streaming-alibi', parameters: learned.parameters })
  const layers = streaming(byLayer([learned, none(), learned]), { window: 8 }).layers!
  expect(layers[0]).toBe(layers[2])
  expect(layers.map(({ visibility }) => visibility)).toEqual([{ window: 8 }, { window: 8 }, { window: 8 }])
})

it('refuses what it cannot be', () => {
  expect(() => windowed({ window: 0 })).toThrow('windowed: expected an integer window ≥ 1, got 0')
  expect(() => streaming(seen, { window: 2 })).toThrow('streaming: expected a strategy without a window, got windowed')
  expect(() => streaming(none as never, { window: 2 })).toThrow('got the function none; call it')
  expect(() => sinkLogit({ numHeads: 1, learned: 0 as never })).toThrow('learned as true or false, got 0')
})
