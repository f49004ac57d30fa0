import { biasChoice, decoderArrays, readBiases, readSizes, writeSizes } from './decoder.js'
import { biasesOf, type Family } from './family.js'
import { wholeRope, writeLayers } from './layer-types.js'
import { readUpperWindows, writeUpperWindows } from './qwen2.js'
import { readRope } from './rope.js'

/** Qwen3 without experts (Yang et al., 2025): norms of each head's queries and keys, heads of a width of their own. */
export const qwen3: Family = {
  name: 'qwen3',
  className: 'Qwen3ForCausalLM',
  prefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: {
    activation: 'silu',
    gatedMlp: true,
    norm: 'rms',
    normEpsilon: 1e-6,
    qkNorm: 'head',
    projectionBias: false,
  },
  free: ['activation', 'numKeyValueHeads', 'headDim', 'mlpDim'],
  also: { projectionBias: ['attention'] },
  positions: ['rotary'],
  reads: ['sliding_window', 'layer_types'],

  read(fields, note) {
    const sizes = readSizes(fields, { normEpsilon: 1e-6, tiedHead: false, numKeyValueHeads: 32, headDim: 128 })
    return {
      trainLength: fields.count('max_position_embeddings', 32_768),
      strategy: readUpperWindows(fields, readRope(fields, sizes.headDim, {}, note), sizes.numLayers),
      config: { ...sizes, projectionBias: biasChoice(readBiases(fields, false)) },
    }
  },

  write({ config, strategy, trainLength }) {
    const layers = writeLayers(strategy, config, 'qwen3')
    return {
      ...writeSizes(config),
      attention_bias: biasesOf(config).out,
      rope_parameters: wholeRope(layers, 'qwen3'),
      ...writeUpperWindows(layers, 'qwen3'),
      max_position_embeddings: trainLength ?? 32_768,
    }
  },

  arrays(config, fields) {
    const { attention } = readBiases(fields, false)
    return decoderArrays(config, qwen3, { biases: { qkv: attention, out: attention, mlp: false } })
  },
}
