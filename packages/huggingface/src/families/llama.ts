import { biasChoice, decoderArrays, readBiases, readSizes, writeSizes } from './decoder.js'
import { biasesOf, type Family } from './family.js'
import { wholeRope, writeLayers } from './layer-types.js'
import { readRope } from './rope.js'

/** Llama (Touvron et al., 2023) 1 to 3: rotary, RMS norm, a gated MLP, shared heads of keys and values. */
export const llama: Family = {
  name: 'llama',
  className: 'LlamaForCausalLM',
  prefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'silu', gatedMlp: true, norm: 'rms', normEpsilon: 1e-6, projectionBias: false },
  free: ['activation', 'numKeyValueHeads', 'headDim', 'mlpDim'],
  also: { projectionBias: [true, 'attention'] },
  positions: ['rotary'],
  only: {
    use_parallel_residual: [false],
    partial_rotary_factor: [1],
    'rope_parameters.partial_rotary_factor': [1],
    'rope_scaling.partial_rotary_factor': [1],
  },

  read(fields, note) {
    const sizes = readSizes(fields, { normEpsilon: 1e-6, tiedHead: false })
    return {
      trainLength: fields.count('max_position_embeddings', 2048),
      strategy: readRope(fields, sizes.headDim, {}, note),
      config: { ...sizes, projectionBias: biasChoice(readBiases(fields, true)) },
    }
  },

  write: ({ config, strategy, trainLength }) => ({
    ...writeSizes(config),
    attention_bias: biasesOf(config).out,
    mlp_bias: biasesOf(config).mlp,
    rope_parameters: wholeRope(writeLayers(strategy, config, 'llama'), 'llama'),
    max_position_embeddings: trainLength ?? 2048,
  }),

  arrays(config, fields) {
    const { attention, mlp } = readBiases(fields, true)
    return decoderArrays(config, llama, { biases: { qkv: attention, out: attention, mlp } })
  },
}
