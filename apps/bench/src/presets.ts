import type { Preset, RunConfig } from './config.js'
import { slopeStrategies } from './slope-sets.js'

const PAPER_FOUR: RunConfig['strategies'] = ['alibi', 'sinusoidal', 'rotary', 't5-bias']

/** The paper's picture in minutes on a laptop. */
const quick: Preset = {
  strategies: PAPER_FOUR,
  data: 'typescript',
  tokenizer: 'bytes',
  vocabularySize: 32_768,
  trainLength: 128,
  evalLengths: [128, 256, 512, 1024, 2048],
  evalTokens: 49_152,
  seeds: [1],
  steps: 1500,
  batchSize: 8,
  numLayers: 4,
  modelDim: 128,
  numHeads: 4,
  activation: 'relu',
  dropout: 0,
  finalNorm: true,
  optimizer: 'adamw',
  learningRate: 3e-3,
  warmupSteps: 100,
  weightDecay: 0.1,
  clipNorm: 1,
  checkpointEvery: 100,
}

/** Sizes of the same experiment, and one of another. A preset is data: everything in it can be overridden. */
export const presets: Record<RunConfig['preset'], Preset> = {
  quick,
  /** How to choose the slopes: which sets extrapolate, and at what cost within the train length. */
  slopes: {
    ...quick,
    strategies: ['alibi', ...Object.keys(slopeStrategies), 'none'],
    seeds: [1, 2, 3],
    protocols: ['nonoverlapping', 'sliding'],
    evalTokens: 16_384,
    stride: 128,
  },
  /** A small language model: an hour or two on a GPU, a night without one. */
  small: {
    strategies: PAPER_FOUR,
    data: 'typescript',
    tokenizer: 'bytes',
    vocabularySize: 32_768,
    trainLength: 256,
    evalLengths: [256, 512, 1024, 2048, 4096],
    evalTokens: 262_144,
    seeds: [1],
    steps: 10_000,
    batchSize: 32,
    numLayers: 6,
    modelDim: 256,
    numHeads: 8,
    activation: 'relu',
    dropout: 0.1,
    finalNorm: true,
    optimizer: 'adamw',
    learningRate: 1e-3,
    warmupSteps: 500,
    weightDecay: 0.1,
    clipNorm: 1,
    checkpointEvery: 500,
  },
  /** The paper's WikiText-103 model (§3, table 2 at L = 512) with a plain softmax over 32,768 words: for a GPU. */
  base: {
    strategies: PAPER_FOUR,
    data: 'wikitext-103',
    tokenizer: 'words',
    vocabularySize: 32_768,
    trainLength: 512,
    evalLengths: [512, 1024, 2048, 4096, 8192],
    evalTokens: 217_646,
    seeds: [1],
    steps: 286_000,
    batchSize: 18,
    numLayers: 16,
    modelDim: 1024,
    numHeads: 8,
    activation: 'relu',
    dropout: 0.3,
    finalNorm: false,
    optimizer: 'sgd-nesterov',
    learningRate: 1,
    warmupSteps: 16_000,
    weightDecay: 0,
    clipNorm: 0.1,
    checkpointEvery: 1000,
  },
}
