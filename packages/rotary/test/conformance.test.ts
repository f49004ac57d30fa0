import { conformanceCases } from '@alibi/core/conformance'
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
  xPos,
  yarnScaling,
} from '../src/index.js'

/** RoFormer, eq. 15. */
const plain = (rotaryDim: number, base: number) => (position: number, pair: number) =>
  position / base ** ((2 * pair) / rotaryDim)

describe.each([
  ['rotary', rotary({ rotaryDim: 8 }), plain(8, 10_000)],
  ['rotary, interleaved', rotary({ rotaryDim: 8, pairing: 'interleaved' }), plain(8, 10_000)],
  ['rotary, base 500 000', rotary({ rotaryDim: 16, base: 500_000 }), plain(16, 500_000)],
  ['rotary, one pair', rotary({ rotaryDim: 2, base: 100 }), plain(2, 100)],
  ['xPos', xPos({ rotaryDim: 8 }), plain(8, 10_000)],
  ['xPos, interleaved', xPos({ rotaryDim: 8, pairing: 'interleaved', scaleBase: 1024 }), plain(8, 10_000)],
  [
    'p-RoPE',
    rotary({ rotaryDim: 8, scaling: proportionalScaling({ proportion: 0.6 }) }),
    (position: number, pair: number) => (pair < 2 ? plain(8, 10_000)(position, pair) : 0),
  ],
  [
    'linear',
    rotary({ rotaryDim: 8, scaling: linearScaling({ factor: 4 }) }),
    (position: number, pair: number) => plain(8, 10_000)(position, pair) / 4,
  ],
] as const)('%s', (what, strategy, angle) => {
  const pairing = what.includes('interleaved') ? 'interleaved' : 'half'
  for (const { name, run } of conformanceCases(strategy, { angle, pairing })) it(name, run)
})

describe.each([512, 1024])('xPos, a decay over %i tokens', (scaleBase) => {
  /** ζ^(±p/scaleBase), ζ = (2i/d + 0.4)/1.4 (Sun et al., 2022, eq. 12). */
  const magnitude = (position: number, pair: number, side: 'query' | 'key') =>
    ((pair / 4 + 0.4) / 1.4) ** (((side === 'query' ? 1 : -1) * position) / scaleBase)
  for (const { name, run } of conformanceCases(xPos({ rotaryDim: 8, scaleBase }), { magnitude })) it(name, run)
})

describe.each([
  ['NTK', rotary({ rotaryDim: 8, scaling: ntkScaling({ factor: 4 }) })],
  ['YaRN', rotary({ rotaryDim: 8, scaling: yarnScaling({ factor: 4, originalMaxPositions: 64 }) })],
  ['Llama 3', rotary({ rotaryDim: 8, scaling: llama3Scaling({ factor: 8 }) })],
  ['dynamic NTK', rotary({ rotaryDim: 8, scaling: dynamicNtkScaling({ originalMaxPositions: 64 }) })],
  [
    'LongRoPE',
    rotary({
      rotaryDim: 4,
      scaling: longRopeScaling({ shortFactors: [1, 1.5], longFactors: [1, 8], originalMaxPositions: 64, factor: 8 }),
    }),
  ],
  ['iRoPE', irope({ rotaryDim: 4 })],
  ['Gemma’s layers', gemmaLocal({ rotaryDim: 4, window: 5, localLayers: 2 })],
])('%s', (_name, strategy) => {
  for (const { name, run } of conformanceCases(strategy)) it(name, run)
})

it('xPos ends where its factors leave room in fp32', () => {
  const { maxPositions, rotation } = xPos({ rotaryDim: 8 })
  expect(maxPositions).toBe(28_328)
  const [largest] = rotation.magnitudes!(Int32Array.of(maxPositions - 1), 'key')
  expect(Math.log2(largest!)).toBeGreaterThan(99.9)
  expect(Math.log2(largest!)).toBeLessThanOrEqual(100)
  expect(() => rotation.angles(Int32Array.of(maxPositions))).toThrow('xPos: expected positions below 28328, got 28328')
  expect(() => rotation.magnitudes!(Int32Array.of(36_300), 'query')).toThrow('its factors leave fp32 there')
  expect(() => rotation.angles(Int32Array.of(-28_328))).toThrow('got -28328')
})
