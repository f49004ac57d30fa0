import { huggingFaceArchitecture } from '@alibi/huggingface/families'
import type { ModelConfig } from '@alibi/transformer'
import type { RunConfig } from './schema.js'

/** The model that a run trains. */
export const modelConfig = (config: RunConfig, vocabularySize: number): ModelConfig => ({
  ...(config.from ? startedModel(config, config.from.model) : newModel(config, vocabularySize)),
  ...dropouts(config),
})

/** What a run drops in training. */
export const dropouts = (config: RunConfig) => ({
  dropout: config.dropout,
  ...(config.attentionDropout !== undefined && { attentionDropout: config.attentionDropout }),
  activationDropout: config.activationDropout,
  ...(config.adaptiveCutoffs && { tailDropout: config.tailDropout }),
})

/** One whose weights are there already. */
const startedModel = ({ numLayers }: RunConfig, model: object): ModelConfig => ({
  ...(model as ModelConfig),
  // Estimates ask for fewer.
  numLayers,
})

const newModel = (config: RunConfig, vocabularySize: number): ModelConfig => ({
  vocabularySize,
  numLayers: config.numLayers,
  modelDim: config.modelDim,
  numHeads: config.numHeads,
  activation: config.activation,
  ...(config.adaptiveCutoffs && { adaptiveCutoffs: config.adaptiveCutoffs }),
  finalNorm: config.finalNorm,
  initialization: config.initialization,
  ...(config.architecture && huggingFaceArchitecture(config.architecture)),
})
