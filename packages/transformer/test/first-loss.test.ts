import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { none, type PositionStrategy, seededRandom } from '@alibi/core'
import { rotary } from '@alibi/rotary'
import { learned, sinusoidal } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createModel, type ModelConfig } from '../src/index.js'

beforeAll(async () => {
  await selectBackend('wasm')
})

/** Who knows nothing gives each token 1/V; so much more nats are allowed. */
const ABOVE_CHANCE = 0.1
const VOCABULARY = 256
const LENGTH = 64

const bloom: Partial<ModelConfig> = { embeddingScale: false, embeddingNorm: true }

const strategies = (modelDim: number, numHeads: number): PositionStrategy[] => [
  none(),
  alibi({ numHeads }),
  rotary({ rotaryDim: modelDim / numHeads }),
  t5Bias({ numHeads }),
  sinusoidal({ modelDim }),
  learned({ modelDim, maxPositions: LENGTH }),
]

/** Targets are random, so that none is right by chance for repeating its input. */
function firstLoss(config: ModelConfig, strategy: PositionStrategy): number {
  const model = createModel(config, strategy, 1)
  const random = seededRandom(7)
  const draw = () => Int32Array.from({ length: LENGTH }, () => Math.floor(random() * VOCABULARY))
  const rows = Array.from({ length: 4 }, draw)
  const targets = Int32Array.from(Array.from({ length: 4 }, draw).flatMap((row) => [...row]))
  const [loss] = tf.tidy(() =>
    tf.mean(model.vocabulary.losses(model.forward(rows), tf.tensor1d(targets, 'int32'), [])).dataSync(),
  )
  model.dispose()
  return loss!
}

describe.each([64, 256])('a model of width %i', (modelDim) => {
  const numHeads = 4
  const size = { vocabularySize: VOCABULARY, numLayers: 2, modelDim, numHeads, mlpDim: 2 * modelDim }
  const variants: [string, Partial<ModelConfig>][] = [
    ['of our defaults', {}],
    ['without a final norm', { finalNorm: false }],
    ['with a head of its own', { tiedHead: false }],
    ['with a head of its own and no final norm', { tiedHead: false, finalNorm: false }],
    ['without the embedding scale', { embeddingScale: false }],
    ['as BLOOM', bloom],
    ['as MPT', { embeddingScale: false, activation: 'gelu-exact', projectionBias: false }],
    ['as GPT-NeoX', { embeddingScale: false, activation: 'gelu-exact', parallelResidual: true, tiedHead: false }],
    ['as Llama', { embeddingScale: false, activation: 'silu', gatedMlp: true, norm: 'rms', projectionBias: false }],
  ]
  it.each(variants)('%s starts no worse than chance, whatever its strategy', (_name, variant) => {
    for (const strategy of strategies(modelDim, numHeads))
      expect(firstLoss({ ...size, ...variant }, strategy), strategy.name).toBeLessThan(
        Math.log(VOCABULARY) + ABOVE_CHANCE,
      )
  })
})

it.each([
  ['tied', { tiedHead: true }],
  ['untied', { tiedHead: false }],
  ['as BLOOM', bloom],
] satisfies [string, Partial<ModelConfig>][])('a wide model, %s, starts no worse than chance', (_name, variant) => {
  const size = { vocabularySize: VOCABULARY, numLayers: 1, modelDim: 1024, numHeads: 4, mlpDim: 1024 }
  expect(firstLoss({ ...size, ...variant }, none())).toBeLessThan(Math.log(VOCABULARY) + ABOVE_CHANCE)
})
