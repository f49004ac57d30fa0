import { slopeSets } from '@alibi/strategies'
import type { Preset, RunConfig } from './schema.js'

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

/**
 * The paper's WikiText-103 model (§3, table 2 at L = 512) as its published command trains it: 247 million parameters, 144
 * rows of 512 words a step as on 8 GPUs; one after another here.
 */
const paperWt103: Preset = {
  strategies: PAPER_FOUR,
  // Its baseline is fairseq's.
  variants: { sinusoidal: { use: 'sinusoidal', options: { layout: 'fairseq' } } },
  data: 'wikitext-103',
  tokenizer: 'words',
  vocabularySize: 267_744,
  adaptiveCutoffs: [20_000, 60_000],
  trainLength: 512,
  evalLengths: [512, 1024, 1536, 2048, 3072, 8192],
  firstToken: 'eos',
  evalTokens: 217_646,
  seeds: [1],
  steps: 286_000,
  batchSize: 144,
  batches: 'blocks',
  devices: 8,
  microBatches: 16,
  numLayers: 16,
  modelDim: 1024,
  numHeads: 8,
  activation: 'relu',
  dropout: 0.3,
  attentionDropout: 0.1,
  activationDropout: 0.1,
  tailDropout: 0.2,
  finalNorm: false,
  initialization: 'fairseq',
  optimizer: 'sgd-nesterov',
  learningRate: 1,
  initialLearningRate: 1e-7,
  minLearningRate: 1e-4,
  warmupSteps: 16_000,
  weightDecay: 0,
  clipNorm: 0.1,
  checkpointEvery: 1000,
}

/** Sizes of the same experiment, and one of another. A preset is data: everything in it can be overridden. */
export const presets: Record<RunConfig['preset'], Preset> = {
  quick,
  /** How to choose the slopes: which sets extrapolate, and at what cost within the train length. */
  slopes: {
    ...quick,
    strategies: ['alibi', ...Object.keys(slopeSets), 'none'],
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
  /**
   * {@link paperWt103} scaled down to less than an hour on a laptop: 64 words in the place of 512, and about two epochs in the
   * place of 205, so without dropout.
   */
  'paper-small': {
    ...paperWt103,
    strategies: [...PAPER_FOUR, 'none'],
    data: 'wikitext-2',
    vocabularySize: 32_768,
    adaptiveCutoffs: [2000, 8000],
    trainLength: 64,
    evalLengths: [64, 128, 256, 512, 1024],
    evalTokens: 16_384,
    protocols: ['nonoverlapping', 'sliding'],
    stride: 64,
    seeds: [1, 2, 3],
    steps: 1600,
    batchSize: 32,
    devices: 1,
    microBatches: 1,
    numLayers: 4,
    modelDim: 128,
    numHeads: 4,
    dropout: 0,
    attentionDropout: 0,
    activationDropout: 0,
    tailDropout: 0,
    warmupSteps: 90,
    checkpointEvery: 400,
  },
  'paper-wt103': paperWt103,
}
