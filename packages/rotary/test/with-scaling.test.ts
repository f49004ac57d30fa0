import { byLayer, compose, defineStrategy, none } from '@alibi/core'
import { describe, expect, it } from 'vitest'
import {
  dynamicNtkScaling,
  gemmaLocal,
  irope,
  linearScaling,
  llama3Scaling,
  longRopeScaling,
  ntkScaling,
  proportionalScaling,
  rotary,
  rotaryOptions,
  scalingOptions,
  withScaling,
  xPos,
  yarnScaling,
} from '../src/index.js'

const at = Int32Array.of(1, 9)
const scaling = linearScaling({ factor: 4 })

it('remembers what a rotation was made with, also within other strategies', () => {
  const plain = rotary({ rotaryDim: 8, base: 500 })
  expect(rotaryOptions(plain.rotation)).toEqual({ rotaryDim: 8, base: 500, pairing: 'half' })
  expect(rotaryOptions(byLayer([plain, none()]).layers![0]!.rotation!)).toMatchObject({ base: 500 })
  expect(rotaryOptions(compose(plain, none()).rotation)).toMatchObject({ base: 500 })
  expect(rotaryOptions(gemmaLocal({ rotaryDim: 8, localBase: 700 }).layers[0]!.rotation!)).toMatchObject({ base: 700 })
  expect(rotaryOptions(xPos({ rotaryDim: 8 }).rotation)).toBeUndefined()
})

it.each([
  [linearScaling({ factor: 2 }), 'linear', { factor: 2 }],
  [ntkScaling({ factor: 2 }), 'ntk', { factor: 2 }],
  [
    yarnScaling({ factor: 2, originalMaxPositions: 16, mscale: 1, mscaleAllDim: 1 }),
    'yarn',
    { factor: 2, originalMaxPositions: 16, betaFast: 32, betaSlow: 1, truncate: true, attentionFactor: 1 },
  ],
  [
    llama3Scaling({ factor: 2 }),
    'llama3',
    { factor: 2, originalMaxPositions: 8192, lowFrequencyFactor: 1, highFrequencyFactor: 4 },
  ],
  [proportionalScaling({ proportion: 0.5 }), 'proportional', { proportion: 0.5, factor: 1 }],
  [dynamicNtkScaling({ originalMaxPositions: 16 }), 'dynamic', { originalMaxPositions: 16, factor: 1 }],
  [
    longRopeScaling({ shortFactors: [1], longFactors: [2], originalMaxPositions: 16, factor: 1 }),
    'longrope',
    { shortFactors: [1], longFactors: [2], originalMaxPositions: 16, factor: 1, attentionFactor: 1 },
  ],
] as const)('%o says what it was made with', (made, kind, options) => {
  expect(scalingOptions(made, kind)).toEqual(options)
  expect(scalingOptions(made, kind === 'linear' ? 'ntk' : 'linear')).toBeUndefined()
})

describe('another scaling', () => {
  it('takes the place of that of a strategy, and of nothing else', () => {
    const before = rotary({ rotaryDim: 8, base: 500, pairing: 'interleaved', scaling: ntkScaling({ factor: 3 }) })
    const windowed = defineStrategy({ ...before, name: 'mine', visibility: { window: 5 } })
    const made = withScaling(windowed, scaling)
    const want = rotary({ rotaryDim: 8, base: 500, pairing: 'interleaved', scaling })
    expect(made).toMatchObject({ name: 'mine', visibility: { window: 5 }, rotation: { pairing: 'interleaved' } })
    expect(made.rotation.angles(at)).toEqual(want.rotation.angles(at))
    expect(withScaling(made).rotation.angles(at)).toEqual(rotary({ rotaryDim: 8, base: 500 }).rotation.angles(at))
  })

  it('is that of every layer with the same rotation, and none without', () => {
    const { layers } = withScaling(irope({ rotaryDim: 8 }), scaling)
    const { rotation } = rotary({ rotaryDim: 8, scaling })
    expect(layers.map((layer) => layer.rotation?.angles(at))).toEqual([
      ...new Array(3).fill(rotation.angles(at)),
      undefined,
    ])
    expect(new Set(layers).size).toBe(2)
  })

  it('leaves local layers with a base of their own', () => {
    const before = gemmaLocal({ rotaryDim: 8, localLayers: 1 })
    const { layers } = withScaling(before, scaling)
    expect(layers[0]).toBe(before.layers[0])
    expect(layers[1]!.rotation!.angles(at)).toEqual(
      rotary({ rotaryDim: 8, base: 1_000_000, scaling }).rotation.angles(at),
    )
  })

  it.each([
    [none(), 'got none, which turns none'],
    [xPos({ rotaryDim: 8 }), 'got xpos, which turns them otherwise'],
    [
      defineStrategy({ name: 'rotary', rotation: { ...rotary({ rotaryDim: 8 }).rotation } }),
      'got rotary, which turns them otherwise',
    ],
  ])('is refused for %o', (strategy, message) => {
    expect(() => withScaling(strategy, scaling)).toThrow(
      `withScaling: expected a strategy whose queries and keys rotary turns, ${message}`,
    )
  })
})
