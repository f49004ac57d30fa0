import { reference as ops, positionRange, rotate } from '@alibi/core'
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

  it('stretches by the length of the pass (dynamic NTK), and by nothing up to the train length', () => {
    const scaling = dynamicNtkScaling({ originalMaxPositions: 64 })
    const { rotation } = rotary({ rotaryDim: 8, scaling })
    expect(rotation.cacheable).toBe(false)
    const at = (length?: number) => [...rotation.angles(Int32Array.of(9), length)]
    expect(at(64)).toEqual(angles({ rotaryDim: 8 }, 9))
    expect(at(256)).toBeAllclose(angles({ rotaryDim: 8, scaling: ntkScaling({ factor: 4 }) }, 9), { rtol: 1e-12 })
    // Without a length it is that of the positions.
    expect([...rotation.angles(Int32Array.of(9, 255))].slice(0, 4)).toEqual(at(256))
  })

  it('takes LongRoPE’s short factors up to the train length, and the long ones beyond', () => {
    const options = { shortFactors: [1, 2], longFactors: [3, 4], originalMaxPositions: 64, factor: 8 }
    const { rotation } = rotary({ rotaryDim: 4, base: 100, scaling: longRopeScaling(options) })
    const at = (length: number) => rotation.angles(Int32Array.of(12), length)
    expect(at(64)).toBeAllclose([12, 0.6], { rtol: 1e-12 })
    expect(at(65)).toBeAllclose([4, 0.3], { rtol: 1e-12 })
    expect(rotation.magnitudes!(Int32Array.of(0), 'key')).toBeAllclose([Math.sqrt(1.5), Math.sqrt(1.5)], {
      rtol: 1e-12,
    })
    expect(longRopeScaling({ ...options, attentionFactor: 1 }).magnitude).toBe(1)
    expect(() => rotary({ rotaryDim: 6, scaling: longRopeScaling(options) })).toThrow(
      'longRopeScaling: expected 3 factors, one a pair of rotaryDim 6, got 2',
    )
    expect(() => longRopeScaling({ ...options, longFactors: [1] })).toThrow('as many shortFactors as longFactors')
    expect(() => longRopeScaling({ ...options, shortFactors: [1, 0] })).toThrow('a finite shortFactors > 0, got 0')
  })

  it('refuses a proportion of more than all pairs', () => {
    expect(() => proportionalScaling({ proportion: 1.5 })).toThrow(
      'proportionalScaling: expected a proportion ≤ 1, got 1.5',
    )
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

describe('by layer', () => {
  it('has no positions in every fourth layer (iRoPE)', () => {
    const { name, layers } = irope({ rotaryDim: 4, base: 500_000 })
    expect(name).toBe('irope')
    expect(layers.map(({ name }) => name)).toEqual(['rotary', 'rotary', 'rotary', 'none'])
    expect(layers[0]!.rotation!.angles(Int32Array.of(1))[1]).toBeCloseTo(500_000 ** -0.5, 12)
    expect(irope({ rotaryDim: 4, every: 2 }).layers).toHaveLength(2)
    expect(() => irope({ rotaryDim: 4, every: 1 })).toThrow('irope: expected an integer every ≥ 2, got 1')
  })

  it('has five local layers before each global one (Gemma 3)', () => {
    const { layers } = gemmaLocal({ rotaryDim: 4, globalScaling: linearScaling({ factor: 8 }) })
    expect(layers.map(({ visibility }) => visibility?.window)).toEqual([512, 512, 512, 512, 512, undefined])
    const rates = [0, 5].map((layer) => layers[layer]!.rotation!.angles(Int32Array.of(1))[1]!)
    expect(rates).toBeAllclose([10_000 ** -0.5, 1_000_000 ** -0.5 / 8], { rtol: 1e-12 })
  })
})
