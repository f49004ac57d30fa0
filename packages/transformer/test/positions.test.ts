// Where a pass is in the text must not matter to strategies of distances, nor cost them digits.
import { alibi } from '@alibi/alibi'
import { compose, defineStrategy, type PositionStrategy, positionRange } from '@alibi/core'
import { fire } from '@alibi/fire'
import { kerple } from '@alibi/kerple'
import { rotary, xPos } from '@alibi/rotary'
import { sandwich } from '@alibi/sandwich'
import { t5Bias } from '@alibi/t5-bias'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createKvCache, createModel, evaluate, type ForwardOptions, type Model } from '../src/index.js'
import { tiles, tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const numHeads = 2
const relative: [string, PositionStrategy][] = [
  ['alibi', alibi({ numHeads })],
  ['alibi, learned', alibi({ numHeads, learned: true })],
  ['alibi, nonsymmetric', alibi({ numHeads, direction: 'nonsymmetric' })],
  ['rotary', rotary({ rotaryDim: 4 })],
  ['xpos', xPos({ rotaryDim: 4 })],
  ['t5-bias', t5Bias({ numHeads })],
  ['kerple', kerple({ numHeads })],
  ['sandwich', sandwich({ numHeads })],
  ['alibi + rotary', compose(alibi({ numHeads }), rotary({ rotaryDim: 4 }))],
]
const LENGTH = 40
/** From where fp32 no longer tells neighbours apart, and where int32 ends. */
const STARTS = [2 ** 24 - 20, 2 ** 24 + 1, 2 ** 26 + 3, 2 ** 30, 2 ** 31 - LENGTH]
/** fp32 sums of a few dozen terms of size 1. */
const TOLERANCE = 1e-5

const hidden = (model: Model, rows: Int32Array[], options?: ForwardOptions) =>
  tf.tidy(() => model.forward(rows, { ...tiles, ...options }).dataSync())

function expectClose(got: ArrayLike<number>, want: ArrayLike<number>) {
  expect(got.length).toBe(want.length)
  for (let i = 0; i < got.length; i++) expect(Math.abs(got[i]! - want[i]!)).toBeLessThan(TOLERANCE)
}

/** Positions with a gap of millions and neighbours after it: counting from any one of them would lose the neighbours. */
const spread = (start: number) =>
  Int32Array.from({ length: LENGTH }, (_, i) => start + i + (i < LENGTH / 2 ? 0 : 2 ** 25 + 1))

describe.each(relative)('%s', (_name, strategy) => {
  const model = createModel(tiny, strategy, 3)

  it('gives the same wherever a text begins', () => {
    const want = hidden(model, [tokens(LENGTH)])
    for (const start of STARTS)
      expectClose(hidden(model, [tokens(LENGTH)], { positions: positionRange(start, LENGTH) }), want)
  })

  it('gives the same wherever it begins in a window, and in a batch with padding', () => {
    const rows = [tokens(LENGTH), tokens(LENGTH, 3)]
    for (const options of [{ attentionWindow: 7 }, { padding: Int32Array.of(0, 5) }]) {
      const positions = positionRange(2 ** 24 + 1, LENGTH)
      expectClose(hidden(model, rows, { ...options, positions }), hidden(model, rows, options))
    }
  })

  it('decodes the same from a cache, far from 0', () => {
    const start = 2 ** 24 + 1
    const want = hidden(model, [tokens(LENGTH)])
    const cache = createKvCache()
    const got: number[] = []
    for (let i = 0; i < LENGTH; i += 8)
      got.push(...hidden(model, [tokens(LENGTH).subarray(i, i + 8)], { cache, positions: positionRange(start, i + 8) }))
    cache.dispose()
    expectClose(got, want)
  })
})

it.each([
  ['alibi', alibi({ numHeads })],
  ['kerple', kerple({ numHeads })],
  ['t5-bias', t5Bias({ numHeads })],
])('%s tells neighbours apart where the positions of a pass are far from each other', (_name, strategy) => {
  const model = createModel(tiny, strategy, 3)
  expectClose(
    hidden(model, [tokens(LENGTH)], { positions: spread(2 ** 30) }),
    hidden(model, [tokens(LENGTH)], { positions: spread(0) }),
  )
  const options = { positions: spread(5) }
  const last = hidden(model, [tokens(LENGTH)], options).slice(-tiny.modelDim)
  // The last token's neighbours at the positions that they had; what is 2²⁵ away has no weight with these biases.
  const alone = hidden(model, [tokens(LENGTH).subarray(LENGTH / 2)], { positions: spread(5).subarray(LENGTH / 2) })
  if (_name === 'alibi') expectClose(last, alone.slice(-tiny.modelDim))
})

it('does not become NaN with xPos, however far a text goes on', async () => {
  const model = createModel(tiny, xPos({ rotaryDim: 4 }), 1)
  const far = { positions: positionRange(2 ** 30, LENGTH) }
  expectClose(hidden(model, [tokens(LENGTH)], far), hidden(model, [tokens(LENGTH)]))
  // Its factors of absolute positions leave fp32 after about 70 times the scaleBase.
  const steep = createModel(tiny, xPos({ rotaryDim: 4, scaleBase: 8 }), 1)
  const text = tokens(2000)
  const streamed = await evaluate(steep, text, { evalLength: 64, stride: 64, protocol: 'streaming' })
  const chunks = await evaluate(steep, text, { evalLength: 64 })
  expect(streamed.lossNats).toBeCloseTo(chunks.lossNats, 5)
})

it('says so where one pass is longer than factors in fp32 reach', () => {
  const { rotation } = rotary({ rotaryDim: 4 })
  const magnitudes = (positions: Int32Array, side: 'query' | 'key') =>
    Float64Array.from({ length: 2 * positions.length }, (_, i) => 2 ** ((side === 'key' ? -1 : 1) * positions[i >> 1]!))
  const steep = defineStrategy({ name: 'steep', rotation: { ...rotation, magnitudes } })
  const pass = (strategy: PositionStrategy, length: number) => () =>
    createModel({ ...tiny, numLayers: 1 }, strategy).forward([tokens(length)])
  expect(pass(steep, 200)).not.toThrow()
  expect(pass(steep, 300)).toThrow('forward: expected a rotation of steep that float32 can hold, got a factor of')
  // xPos knows itself how far it reaches: 55 positions to either side.
  expect(pass(xPos({ rotaryDim: 4, scaleBase: 1 }), 200)).toThrow('xPos: expected positions below 55')
})

it('trains parameters for the model beside parameters for each layer', () => {
  const parameter = (scope: 'model' | 'layer') => ({ shape: [1], init: { kind: 'constant', value: 1 }, scope }) as const
  const strategy = defineStrategy({
    name: 'both',
    parameters: { shared: parameter('model'), own: parameter('layer') },
    bias: {
      kind: 'distance',
      numHeads,
      evaluate: (ops, { shared, own }, distances) =>
        ops.mul(
          ops.mul(shared!, own!),
          ops.tensor([...distances, ...distances].map(Math.log1p), [2, distances.length]),
        ),
    },
  })
  const names = [...createModel(tiny, strategy).parameters.keys()].filter((name) => name.includes('position'))
  expect(names).toEqual(['position.shared', 'layers.0.position.own', 'layers.1.position.own'])
  expect(hidden(createModel(tiny, strategy), [tokens(5)]).every(Number.isFinite)).toBe(true)
})

it('refuses positions and padding that do not fit the tokens', () => {
  const model = createModel(tiny, fire({ numHeads }))
  const pass = (options: object) => () => model.forward([tokens(3)], options as ForwardOptions)
  expect(pass({ positions: positionRange(0, 5) })).toThrow(
    'forward: expected 3 positions, one for each token, those of the cache first, got 5',
  )
  expect(pass({ positions: positionRange(0, 2) })).toThrow('forward: expected 3 positions')
  expect(pass({ positions: [0, 1, 2] })).toThrow('forward: expected positions as an Int32Array, got [0,1,2]')
  expect(pass({ positions: Float32Array.of(0, 1, 2) })).toThrow('as an Int32Array, got Float32Array')
  expect(pass({ padding: Int32Array.of(1, 2) })).toThrow('forward: expected 1 padding, one for each row, got 2')
  expect(pass({ padding: Int32Array.of(4) })).toThrow('forward: expected padding from 0 to 3 tokens, got 4')
})

it('reads the first of two packed documents in the second, as the documentation says', () => {
  const model = createModel(tiny, alibi({ numHeads }), 3)
  const packed = Int32Array.of(...tokens(6), ...tokens(6, 4))
  const positions = Int32Array.of(...positionRange(0, 6), ...positionRange(0, 6))
  const second = hidden(model, [packed], { positions }).slice(6 * tiny.modelDim)
  const alone = hidden(model, [tokens(6, 4)])
  expect(Math.max(...second.map((x, i) => Math.abs(x - alone[i]!)))).toBeGreaterThan(10 * TOLERANCE)
})
