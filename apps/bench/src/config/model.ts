import { huggingFaceArchitecture } from '@alibi/huggingface/families'
import type { ModelConfig } from '@alibi/transformer'
import type { RunConfig } from './schema.js'

/** The model that a run trains. */
export const modelConfig = (config: RunConfig, vocabularySize: number): ModelConfig => ({
  vocabularySize,
  numLayers: config.numLayers,
  modelDim: config.modelDim,
  numHeads: config.numHeads,
  activation: config.activation,
  dropout: config.dropout,
  ...(config.attentionDropout !== undefined && { attentionDropout: config.attentionDropout }),
  activationDropout: config.activationDropout,
  ...(config.adaptiveCutoffs && { adaptiveCutoffs: config.adaptiveCutoffs, tailDropout: config.tailDropout }),
  finalNorm: config.finalNorm,
  initialization: config.initialization,
  ...(config.architecture && huggingFaceArchitecture(config.architecture)),
})
