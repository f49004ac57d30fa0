import { biasChoice, decoderArrays, readBiases, readSizes, writeSizes } from './decoder.js'
import { biasesOf, type Family } from './family.js'
import { byLayers, readLayerTypes, wholeRopeByType, withWindow, writeLayers, writeWindows } from './layer-types.js'
import { readRopeByType, scalingsByType } from './rope.js'

/**
 * The text part of Gemma 3 (2025): a window and a small base in five of six layers, norms before and after attention and MLP
 * and of each head's queries and keys, scaled embeddings. Its norms multiply by 1 + weight.
 */
export const gemma3: Family = {
  name: 'gemma3_text',
  className: 'Gemma3ForCausalLM',
  prefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: {
    activation: 'gelu',
    gatedMlp: true,
    norm: 'rms',
    normEpsilon: 1e-6,
    normPlacement: 'pre-and-output',
    qkNorm: 'head',
    projectionBias: false,
    embeddingScale: true,
  },
  free: ['activation', 'numKeyValueHeads', 'headDim', 'mlpDim', 'logitCap'],
  also: { projectionBias: ['attention'] },
  positions: ['rotary'],
  scalings: scalingsByType,
  reads: ['sliding_window', 'layer_types', 'query_pre_attn_scalar', 'final_logit_softcapping'],

  read(fields) {
    const sizes = readSizes(fields, {
      normEpsilon: 1e-6,
      tiedHead: true,
      numKeyValueHeads: 4,
      headDim: 256,
      activation: ['hidden_activation', 'gelu_pytorch_tanh'],
    })
    const ropes = readRopeByType(fields, sizes.headDim, {
      full_attention: fields.positive('rope_theta', 1_000_000),
      sliding_attention: fields.positive('rope_local_base_freq', 10_000),
    })
    const windowed = withWindow(ropes.sliding_attention, fields.count('sliding_window', 4096))
    const every = fields.count('sliding_window_pattern', 6)
    const types = readLayerTypes(fields, sizes.numLayers, (layer) =>
      (layer + 1) % every ? 'sliding_attention' : 'full_attention',
    )
    const cap = 'final_logit_softcapping'
    return {
      trainLength: fields.count('max_position_embeddings', 131_072),
      strategy: byLayers(
        types.map((type) => (type === 'full_attention' ? ropes.full_attention : windowed)),
        'rotary-by-layer',
      ),
      config: {
        ...sizes,
        projectionBias: biasChoice(readBiases(fields, false)),
        logitCap: fields.optional(cap) === undefined ? null : fields.positive(cap),
      },
    }
  },

  write({ config, strategy, trainLength }) {
    const layers = writeLayers(strategy, config, 'gemma3_text')
    const { layer_types, sliding_window } = writeWindows(layers, 'gemma3_text')
    return {
      ...writeSizes(config, 'hidden_activation'),
      attention_bias: biasesOf(config).out,
      query_pre_attn_scalar: config.headDim,
      final_logit_softcapping: config.logitCap,
      rope_parameters: wholeRopeByType(layers, 'gemma3_text'),
      layer_types,
      sliding_window: sliding_window ?? 4096,
      max_position_embeddings: trainLength ?? 131_072,
    }
  },

  arrays(config, fields) {
    const { attention } = readBiases(fields, false)
    // Scores are divided by √query_pre_attn_scalar: what differs from √headDim goes into the norm of queries.
    const queryFactor = Math.sqrt(config.headDim / fields.positive('query_pre_attn_scalar', 256))
    return decoderArrays(config, gemma3, {
      biases: { qkv: attention, out: attention, mlp: false },
      plus: 1,
      queryFactor,
    })
  },
}
