import { decoderArrays, readSizes, writeSizes } from './decoder.js'
import type { Family } from './family.js'
import { inAll, withWindow, writeLayers } from './layer-types.js'
import { readRope } from './rope.js'

const SCALINGS = ['default', 'longrope']

/** Phi-3, 3.5 and 4-mini (Abdin et al., 2024): Llama with fused projections, LongRoPE, and a window in every layer. */
export const phi3: Family = {
  name: 'phi3',
  className: 'Phi3ForCausalLM',
  prefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'silu', gatedMlp: true, norm: 'rms', normEpsilon: 1e-5, projectionBias: false },
  free: ['activation', 'numKeyValueHeads', 'headDim', 'mlpDim'],
  positions: ['rotary'],
  scalings: SCALINGS,
  reads: ['sliding_window'],
  only: { attention_bias: [false], mlp_bias: [false], lm_head_bias: [false] },

  read(fields, note) {
    const sizes = readSizes(fields, { normEpsilon: 1e-5, tiedHead: false })
    const spelling = { scalings: SCALINGS, aliases: { su: 'longrope', yarn: 'longrope' } }
    const rope = readRope(fields, sizes.headDim, spelling, note)
    const hasWindow = fields.optional('sliding_window') !== undefined
    return {
      trainLength: fields.count('max_position_embeddings', 4096),
      strategy: hasWindow ? withWindow(rope, fields.count('sliding_window')) : rope,
      config: sizes,
    }
  },

  write({ config, strategy, trainLength }) {
    const layers = writeLayers(strategy, config, 'phi3')
    const rope = inAll(layers, 'rope', 'phi3')
    const scaling = rope?.rope_type
    if (!rope || (scaling !== 'default' && scaling !== 'longrope'))
      throw new Error(
        `saveHuggingFace: expected rotary positions, plain or of LongRoPE, for phi3, got ${scaling ?? 'none'}; try llama`,
      )
    const length = trainLength ?? 4096
    return {
      ...writeSizes(config),
      rope_parameters: rope,
      partial_rotary_factor: rope.partial_rotary_factor,
      sliding_window: inAll(layers, 'window', 'phi3') ?? null,
      max_position_embeddings: length,
      original_max_position_embeddings: rope.original_max_position_embeddings ?? length,
    }
  },

  arrays: (config) => decoderArrays(config, phi3, { fused: true }),
}
