import { byLayer, compose, none } from '@alibi/core'
import { expect, it } from 'vitest'
import {
  dynamicNtkScaling,
  gemmaLocal,
  linearScaling,
  llama3Scaling,
  longRopeScaling,
  ntkScaling,
  proportionalScaling,
  rotary,
  rotaryOptions,
  xPos,
  yarnScaling,
} from '../src/index.js'

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
] as const)('%o says what it was made with', (scaling, kind, options) => {
  expect(scaling.made).toEqual({ kind, ...options })
})
