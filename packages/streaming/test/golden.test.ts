import { readFileSync } from 'node:fs'
import { alibi } from '@alibi/alibi'
import { attentionWeights, byLayer, compose, none, positionRange, reference } from '@alibi/core'
import { expect, it } from 'vitest'
import { sinkLogit, streaming, windowed } from '../src/index.js'

interface Golden {
  readonly q: number[][][]
  readonly k: number[][][]
  readonly window: number
  readonly learned: { readonly logits: number[]; readonly weights: number[][][] }
  readonly offByOne: number[][][]
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
