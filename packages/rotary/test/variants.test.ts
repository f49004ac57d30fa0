import { reference as ops, positionRange, rotate } from '@alibi/core'
import { describe, expect, it } from 'vitest'
import {
  linearScaling,
  llama3Scaling,
  ntkScaling,
  type RotaryScaling,
  rotary,
  xPos,
  yarnScaling,
} from '../src/index.js'

const angles = (options: Parameters<typeof rotary>[0], ...positions: number[]) => [
  ...rotary(options).rotation.angles(Int32Array.from(positions)),
]

describe('scaling', () => {
  it('interpolates positions linearly', () => {
    const scaling = linearScaling({ factor: 4 })
    expect(angles({ rotaryDim: 8, scaling }, 12)).toBeAllclose(angles({ rotaryDim: 8 }, 3), { rtol: 1e-12 })
  })

  it('keeps the highest frequency and divides the lowest by the factor (NTK)', () => {
    const scaled = ntkScaling({ factor: 4 }).frequencies(8, 10_000)
    expect([scaled[0], scaled[3]]).toBeAllclose([1, 10_000 ** (-6 / 8) / 4], { rtol: 1e-12 })
  })

  it.each([
    ['YaRN', yarnScaling({ factor: 8, originalMaxPositions: 256 })],
    ['Llama 3', llama3Scaling({ factor: 8, originalMaxPositions: 256 })],
  ])('keeps high frequencies, interpolates low ones and stays in order between (%s)', (_name, scaling) => {
    const plain = rotary({ rotaryDim: 64 }).rotation.angles(Int32Array.of(1))
    const ratios = scaling.frequencies(64, 10_000).map((f, i) => f / plain[i]!)
    expect(ratios[0]).toBeCloseTo(1, 12)
    expect(ratios.at(-1)).toBeCloseTo(1 / 8, 12)
    ratios.slice(1).forEach((ratio, i) => {
      expect(ratio).toBeLessThanOrEqual(ratios[i]! + 1e-12)
    })
  })

  it('scales scores as YaRN does', () => {
    const { rotation } = rotary({ rotaryDim: 4, scaling: yarnScaling({ factor: 4, originalMaxPositions: 64 }) })
    const [a] = rotation.magnitudes!(Int32Array.of(9), 'query')
    expect(a).toBeCloseTo(0.1 * Math.log(4) + 1, 12)
    expect(rotary({ rotaryDim: 4, scaling: linearScaling({ factor: 4 }) }).rotation.magnitudes).toBeUndefined()
  })

  it('has two dynamic NTKs, the same at α = 1', () => {
    // Pair 1 of 8 dimensions at twice the train length, α = 2; transformers' `dynamic` says 0.0693.
    expect(ntkScaling({ factor: 2 * 2 - (2 - 1) }).frequencies(8, 10_000)[1]).toBeCloseTo(0.0693, 4)
    expect(ntkScaling({ factor: 2 }).frequencies(8, 10_000)[1]).toBeCloseTo(0.0794, 4)
  })

  it.each([
    [{ mscale: 1 }, 'mscale and mscaleAllDim together, got 1 and undefined'],
    [{ mscaleAllDim: 1 }, 'mscale and mscaleAllDim together, got undefined and 1'],
    [{ mscale: 0, mscaleAllDim: 1 }, 'a finite mscale > 0, got 0'],
    [{ attentionFactor: Number.NaN }, 'a finite attentionFactor > 0, got NaN'],
    [{ truncate: 'no' as never }, 'truncate as true or false, got no'],
  ])('refuses %j of YaRN', (options, message) => {
    expect(() => yarnScaling({ factor: 4, originalMaxPositions: 64, ...options })).toThrow(message)
  })

  it('refuses factors below 1 and ranges that are none', () => {
    expect(() => linearScaling({ factor: 0.5 })).toThrow('linearScaling: expected a factor ≥ 1, got 0.5')
    expect(() => yarnScaling({ factor: 2, originalMaxPositions: 64, betaFast: 1 })).toThrow('betaFast > betaSlow')
    expect(() => llama3Scaling({ factor: 2, highFrequencyFactor: 1 })).toThrow(
      'highFrequencyFactor > lowFrequencyFactor',
    )
    expect(() => llama3Scaling({ factor: 2, highFrequencyFactor: Number.NaN })).toThrow(
      'highFrequencyFactor > 0, got NaN',
    )
    const configuration = { type: 'linear', factor: 4 } as unknown as RotaryScaling
    expect(() => rotary({ rotaryDim: 4, scaling: configuration })).toThrow(
      'expected scaling with frequencies, got {"type"',
    )
  })
})

describe('xPos', () => {
  it('makes products depend on the distance alone, and decay with it', () => {
    const { rotation } = xPos({ rotaryDim: 4 })
    const x = ops.tensor([1, 2, 3, 4], [1, 4])
    const turn = (at: number, side: 'query' | 'key') =>
      rotate(ops, rotation, x, [1, 4], positionRange(at, 1), side).data
    const product = (q: number, k: number) => {
      const [a, b] = [turn(q, 'query'), turn(k, 'key')]
      return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
    }
    expect(product(1007, 1000)).toBeCloseTo(product(7, 0), 8)
    const decay = rotation.magnitudes!(Int32Array.of(512), 'query')
    expect(decay).toBeAllclose([0.4 / 1.4, 0.9 / 1.4], { rtol: 1e-12 })
    expect(rotation.magnitudes!(Int32Array.of(512), 'key')).toBeAllclose([1.4 / 0.4, 1.4 / 0.9], { rtol: 1e-12 })
  })
})
