import { biasChoice, decoderArrays, readBiases, readSizes, writeSizes } from './decoder.js'
import { biasesOf, type Family } from './family.js'
import { inAll, wholeRope, writeLayers } from './layer-types.js'
import { readRope } from './rope.js'

/** What OLMo 2 and 3 share. */
export const olmoArchitecture = {
  activation: 'silu',
  gatedMlp: true,
  norm: 'rms',
  normEpsilon: 1e-5,
  normPlacement: 'output',
  qkNorm: 'all-heads',
  projectionBias: false,
} as const

/** OLMo 2 (Walsh et al., 2024): norms of what attention and MLP give, and of all queries and all keys together. */
export const olmo2: Family = {
  name: 'olmo2',
  className: 'Olmo2ForCausalLM',
  prefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: olmoArchitecture,
  free: ['activation', 'numKeyValueHeads', 'headDim', 'mlpDim'],
  also: { projectionBias: ['attention'] },
  positions: ['rotary'],

  read(fields, note) {
    const sizes = readSizes(fields, { normEpsilon: 1e-5, tiedHead: false })
    return {
      trainLength: fields.count('max_position_embeddings', 2048),
      strategy: readRope(fields, sizes.headDim, {}, note),
      config: { ...sizes, projectionBias: biasChoice(readBiases(fields, false)) },
    }
  },

  write({ config, strategy, trainLength }) {
    const layers = writeLayers(strategy, config, 'olmo2')
    if (inAll(layers, 'window', 'olmo2') !== undefined)
      throw new Error(`saveHuggingFace: expected no window for olmo2, got ${layers[0]!.window}; try olmo3`)
    return {
      ...writeSizes(config),
      attention_bias: biasesOf(config).out,
      rope_parameters: wholeRope(layers, 'olmo2'),
      max_position_embeddings: trainLength ?? 2048,
    }
  },

  arrays(config, fields) {
    const { attention } = readBiases(fields, false)
    return decoderArrays(config, olmo2, { biases: { qkv: attention, out: attention, mlp: false } })
  },
}
