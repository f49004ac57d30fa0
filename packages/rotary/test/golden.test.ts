import { readFileSync } from 'node:fs'
import { positionRange, type ReferenceTensor, type RotationStrategy, reference, rotate } from '@alibi/core'
import { describe, expect, it } from 'vitest'
import {
  dynamicNtkScaling,
  linearScaling,
  llama3Scaling,
  longRopeScaling,
  ntkScaling,
  proportionalScaling,
  type RotaryScaling,
  rotary,
  xPos,
  type YarnOptions,
  yarnScaling,
} from '../src/index.js'

const golden = JSON.parse(readFileSync(new URL('golden/rotary.json', import.meta.url), 'utf8'))

/** Theirs are fp32: angles up to 8 and products of four terms. */
const FP32 = { rtol: 1e-5, atol: 2e-6 }

const [length, headDim] = [golden.q.length, golden.q[0].length]
function turned({ rotation }: RotationStrategy, side: 'query' | 'key'): ReferenceTensor {
  const x = reference.tensor((side === 'query' ? golden.q : golden.k).flat(), [length, headDim])
  return rotate(reference, rotation, x, x.shape, positionRange(golden.start, length), side)
}

it.each([
  ['half', 'Llama', rotary({ rotaryDim: headDim })],
  ['interleaved', 'GPT-J', rotary({ rotaryDim: headDim, pairing: 'interleaved' })],
  ['partial', 'GPT-NeoX', rotary({ rotaryDim: 4 })],
] as const)('rotates (%s) as %s', (name, _model, strategy) => {
  expect(turned(strategy, 'query')).toBeAllclose(golden[name][0], FP32)
  expect(turned(strategy, 'key')).toBeAllclose(golden[name][1], FP32)
})

it('has the products of rotary-embedding-torch’s xPos', () => {
  const strategy = xPos({ rotaryDim: headDim, pairing: 'interleaved' })
  const keys = reference.transpose(turned(strategy, 'key'), [1, 0])
  expect(reference.matmul(turned(strategy, 'query'), keys)).toBeAllclose(golden.xpos, { rtol: 1e-5, atol: 1e-5 })
})

interface Scaled {
  readonly rotaryDim: number
  readonly frequencies: readonly number[]
  readonly magnitude?: number
}

interface YarnCase extends Scaled {
  readonly options: Readonly<Record<string, number | boolean>>
}

/** Hugging Face's names of yarnScaling's options. */
const YARN_OPTIONS: Readonly<Record<string, keyof YarnOptions>> = {
  attention_factor: 'attentionFactor',
  beta_fast: 'betaFast',
  beta_slow: 'betaSlow',
  mscale: 'mscale',
  mscale_all_dim: 'mscaleAllDim',
  truncate: 'truncate',
}

const LONG_ROPE = { shortFactors: [1, 1.1, 1.3, 1.5], longFactors: [1, 2.5, 6, 8] }

describe('scaled frequencies', () => {
  it.each<[string, Scaled & { readonly length: number }, RotaryScaling]>([
    ...golden.dynamicByLength.map((each: Scaled & { readonly length: number }) => [
      `dynamic NTK at ${each.length}`,
      each,
      dynamicNtkScaling({ originalMaxPositions: 256, factor: 2 }),
    ]),
    ...golden.longrope.map((each: Scaled & { readonly length: number }) => [
      `LongRoPE at ${each.length}`,
      each,
      longRopeScaling({ ...LONG_ROPE, originalMaxPositions: 256, factor: 8 }),
    ]),
  ])('are those of transformers, by length: %s', (_name, want, scaling) => {
    expect(scaling.frequencies(want.rotaryDim, 10_000, want.length)).toBeAllclose(want.frequencies, { rtol: 2e-6 })
    expect(scaling.magnitude ?? 1).toBeCloseTo(want.magnitude!, 12)
  })

  it.each<[string, YarnCase]>(golden.yarnOptions.map((each: YarnCase) => [JSON.stringify(each.options), each]))(
    'are those of transformers: YaRN with %s',
    (_name, { options, ...want }) => {
      const ours = Object.fromEntries(Object.entries(options).map(([key, value]) => [YARN_OPTIONS[key], value]))
      const scaling = yarnScaling({ factor: 4, originalMaxPositions: 256, ...ours })
      expect(scaling.frequencies(want.rotaryDim, 10_000)).toBeAllclose(want.frequencies, { rtol: 2e-6 })
      expect(scaling.magnitude).toBeCloseTo(want.magnitude!, 12)
    },
  )

  it.each<[string, Scaled, RotaryScaling]>([
    ['linear', golden.linear, linearScaling({ factor: 4 })],
    ['NTK', golden.ntk, ntkScaling({ factor: 4 })],
    ['dynamic NTK at 4 times the length', golden.dynamic, ntkScaling({ factor: 4 })],
    ['YaRN', golden.yarn[0], yarnScaling({ factor: 4, originalMaxPositions: 256 })],
    ['YaRN, a narrow head', golden.yarn[1], yarnScaling({ factor: 16, originalMaxPositions: 2048 })],
    ['proportional', golden.proportional, proportionalScaling({ proportion: 0.3, factor: 2 })],
    ['Llama 3', golden.llama3, llama3Scaling({ factor: 8 })],
  ])('are those of transformers or rotary-embedding-torch: %s', (_name, want, scaling) => {
    expect(scaling.frequencies(want.rotaryDim, 10_000)).toBeAllclose(want.frequencies, { rtol: 2e-6 })
    expect(scaling.magnitude ?? 1).toBeCloseTo(want.magnitude ?? 1, 12)
  })
})
