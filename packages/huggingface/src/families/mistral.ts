import { decoderArrays, readSizes, writeSizes } from './decoder.js'
import type { Family } from './family.js'
import { inAll, wholeRope, withWindow, writeLayers } from './layer-types.js'
import { readRope } from './rope.js'

/** Mistral (Jiang et al., 2023): Llama with a window in every layer, in its first version. */
export const mistral: Family = {
  name: 'mistral',
  className: 'MistralForCausalLM',
  prefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'silu', gatedMlp: true, norm: 'rms', normEpsilon: 1e-6, projectionBias: false },
  free: ['activation', 'numKeyValueHeads', 'headDim', 'mlpDim'],
  positions: ['rotary'],
  reads: ['sliding_window'],
  only: { attention_bias: [false], mlp_bias: [false] },

  read(fields, note) {
    const sizes = readSizes(fields, { normEpsilon: 1e-6, tiedHead: false, numKeyValueHeads: 8 })
    const rope = readRope(fields, sizes.headDim, { share: 'partial_rotary_factor' }, note)
    // A file that does not say it has the class's; null is none.
    const hasWindow = !fields.names.includes('sliding_window') || fields.optional('sliding_window') !== undefined
    return {
      trainLength: fields.count('max_position_embeddings', 131_072),
      strategy: hasWindow ? withWindow(rope, fields.count('sliding_window', 4096)) : rope,
      config: sizes,
    }
  },

  write({ config, strategy, trainLength }) {
    const layers = writeLayers(strategy, config, 'mistral')
    return {
      ...writeSizes(config),
      rope_parameters: wholeRope(layers, 'mistral'),
      sliding_window: inAll(layers, 'window', 'mistral') ?? null,
      max_position_embeddings: trainLength ?? 131_072,
    }
  },

  arrays: (config) => decoderArrays(config, mistral),
}
