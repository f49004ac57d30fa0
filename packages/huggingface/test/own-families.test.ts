// Models of ours, with strategies as anyone makes them, written as the families that came after Llama.
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import { byLayer, compose, none, type PositionStrategy } from '@alibi/core'
import {
  gemmaLocal,
  irope,
  linearScaling,
  longRopeScaling,
  ntkScaling,
  proportionalScaling,
  rotary,
  xPos,
  yarnScaling,
} from '@alibi/rotary'
import { learned } from '@alibi/sinusoidal'
import { streaming, windowed } from '@alibi/streaming'
import type { ModelConfig } from '@alibi/transformer'
import { describe, expect, it } from 'vitest'
import { loadHuggingFace, saveHuggingFace } from '../src/index.js'
import { logits, ownModel, temporary } from './folders.js'

const [numHeads, modelDim] = [3, 24]
const rope = rotary({ rotaryDim: 8, base: 500 })
const local = compose(rope, windowed({ window: 4 }))
const longRope = rotary({
  rotaryDim: 4,
  scaling: longRopeScaling({ shortFactors: [1, 1.5], longFactors: [2, 9], originalMaxPositions: 10, factor: 4 }),
})
const plainYarn = rotary({ rotaryDim: 8, scaling: yarnScaling({ factor: 4, originalMaxPositions: 8 }) })
const yarn = rotary({ rotaryDim: 8, scaling: yarnScaling({ factor: 4, originalMaxPositions: 8, truncate: false }) })

type Own = readonly [family: string, strategy: PositionStrategy, more?: Partial<ModelConfig>]

const own: readonly Own[] = [
  ['llama', yarn],
  ['llama', rotary({ rotaryDim: 8, scaling: ntkScaling({ factor: 4 }) }), { headDim: 8, numHeads: 2 }],
  ['llama', rope, { projectionBias: 'attention' }],
  ['mistral', local, { numKeyValueHeads: 1, headDim: 8, numHeads: 5 }],
  ['qwen2', byLayer([rope, local]), { mlpDim: 10 }],
  ['qwen3', compose(yarn, windowed({ window: 3 })), { headDim: 8, numHeads: 4, numKeyValueHeads: 2 }],
  ['smollm3', irope({ rotaryDim: 8, every: 2 }), { projectionBias: true }],
  ['smollm3', none()],
  [
    'gemma3_text',
    gemmaLocal({ rotaryDim: 8, window: 4, localLayers: 1, globalScaling: linearScaling({ factor: 8 }) }),
    { logitCap: 3, headDim: 8 },
  ],
  ['gemma3_text', rope, { embeddingScale: false, projectionBias: 'attention' }],
  ['phi3', longRope],
  ['opt', learned({ modelDim, maxPositions: 16, offset: 2 })],
  // As the bench names a strategy with options.
  ['opt', { ...learned({ modelDim, maxPositions: 16, offset: 2 }), name: 'learned-offset-2' }],
  ['opt', learned({ modelDim, maxPositions: 16, offset: 2 }), { normPlacement: 'post', finalNorm: false }],
  ['falcon', alibi({ numHeads, scale: 1 / Math.sqrt(8) }), { numKeyValueHeads: 1 }],
  ['falcon', rotary({ rotaryDim: 6 }), { parallelResidual: true, numKeyValueHeads: 2, numHeads: 4, headDim: 6 }],
  ['olmo2', rope, { numKeyValueHeads: 1 }],
  ['olmo3', byLayer([local, plainYarn]), { numLayers: 3 }],
]

const numbered = own.map(([family, strategy, more], i) => ({
  name: `${family} (${strategy.name})`,
  family,
  strategy,
  more,
  i,
}))

it.each(numbered)('writes a model of ours as $name that reads the same', async ({ family, strategy, more, i }) => {
  const model = ownModel(family, strategy, more)
  const folder = join(temporary, `own-${i}`)
  await saveHuggingFace(folder, model, { family, trainLength: 16 })
  const { model: read, trainLength } = await loadHuggingFace(folder)
  const row = Int32Array.from({ length: 14 }, (_, i) => (7 * i * i + 1) % 11)
  expect(logits(read, [row])).toBeAllclose(logits(model, [row]), { rtol: 0, atol: 1e-5 })
  expect(trainLength).toBe(16)
})

describe('refuses to write', () => {
  const refused: [family: string, PositionStrategy, message: string, more?: Partial<ModelConfig>][] = [
    ['mistral', byLayer([rope, local]), 'expected one window for all these layers of mistral, got none and 4'],
    ['mistral', alibi({ numHeads }), 'expected rotary positions and windows alone for mistral, got alibi'],
    ['mistral', none(), 'expected rotary positions for mistral, got none'],
    ['mistral', streaming(rope, { window: 4, sinks: 2 }), 'which always sees 2 first tokens'],
    ['mistral', rope, 'expected projectionBias false for mistral, got qkv', { projectionBias: 'qkv' }],
    ['mistral', rope, 'expected qkNorm null for mistral, got head', { qkNorm: 'head' }],
    ['mistral', rope, 'expected normPlacement pre for mistral, got output', { normPlacement: 'output' }],
    ['qwen2', byLayer([local, compose(rope, windowed({ window: 5 }))]), 'expected one window for all these layers'],
    ['qwen2', xPos({ rotaryDim: 8 }), 'expected plain rotary with half pairing for qwen2, got xpos'],
    ['qwen3', irope({ rotaryDim: 8, every: 2 }), 'expected one rope for all these layers of qwen3'],
    [
      'smollm3',
      rotary({ rotaryDim: 8, scaling: proportionalScaling({ proportion: 0.5 }) }),
      'expected plain rotary with half pairing for smollm3, got scaled frequencies',
    ],
    ['gemma3_text', rotary({ rotaryDim: 4 }), 'expected all features of a head to rotate for gemma3_text'],
    [
      'gemma3_text',
      compose(learned({ modelDim, maxPositions: 8 }), rope),
      'windows alone for gemma3_text, got learned+',
    ],
    ['olmo3', yarn, 'expected truncate true for olmo3, got false'],
    ['phi3', yarn, 'expected rotary positions, plain or of LongRoPE, for phi3, got yarn; try llama'],
    [
      'opt',
      learned({ modelDim, maxPositions: 8 }),
      'expected a table of positions with an offset of 2 for opt, got 8 rows',
    ],
    ['gpt2', learned({ modelDim, maxPositions: 8, offset: 2 }), 'an offset of 0 for gpt2, got 10 rows for 8 positions'],
    ['bloom', compose(alibi({ numHeads }), rope), "expected ALiBi with the paper's slopes for bloom, got alibi+rotary"],
    ['opt', rope, 'expected a learned table of positions for opt, got rotary'],
    [
      'opt',
      learned({ modelDim, maxPositions: 8, offset: 2 }),
      'expected normEpsilon 0.00001 for opt, got 0.001',
      { normEpsilon: 1e-3 },
    ],
    ['falcon', alibi({ numHeads }), "expected ALiBi with the paper's slopes times 0.353"],
    ['falcon', local, 'expected no window for falcon, got 4; try mistral'],
    [
      'falcon',
      rotary({ rotaryDim: 6 }),
      'expected 1 or 4 numKeyValueHeads for falcon without parallelResidual, got 2',
      { numHeads: 4, headDim: 6, numKeyValueHeads: 2 },
    ],
    ['olmo2', local, 'expected no window for olmo2, got 4; try olmo3'],
  ]
  const named = refused.map(([family, strategy, message, more]) => ({ family, strategy, message, more }))
  it.each(named)('$family: $message', async ({ family, strategy, message, more }) => {
    const save = saveHuggingFace(join(temporary, 'refused'), ownModel(family, strategy, more), { family })
    await expect(save).rejects.toThrow(message)
  })
})
