import { alibi } from '@alibi/alibi'
import type { PositionStrategy } from '@alibi/core'
import type { ResolvedModelConfig } from '@alibi/transformer'
import { readActivation, writeActivation } from './activations.js'
import { type ArrayMapping, ends, type Family, headsOf, layers, norm, projection } from './family.js'
import type { Fields } from './fields.js'
import { inAll, wholeRope, writeLayers } from './layer-types.js'
import { readRope } from './rope.js'
import { checkPaperSlopes } from './slopes.js'

/**
 * Falcon (Almazrouei et al., 2023), its old and new architecture, and Falcon-RW: ALiBi or rotary, attention and MLP one after
 * the other or in parallel. It divides ALiBi's biases by √headDim as it does scores.
 */
export const falcon: Family = {
  name: 'falcon',
  className: 'FalconForCausalLM',
  prefix: 'transformer.',
  embedding: 'transformer.word_embeddings.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'gelu-exact' },
  free: ['activation', 'parallelResidual', 'numKeyValueHeads', 'mlpDim'],
  positions: ['ALiBi', 'rotary'],
  reads: ['alibi', 'multi_query'],

  read(fields, note) {
    const modelDim = fields.size(['n_embed', 'hidden_size'])
    const numHeads = headsOf(fields, ['num_attention_heads'], modelDim)
    const headDim = modelDim / numHeads
    const { isParallel, numKeyValueHeads } = readVariant(fields, numHeads)
    return {
      trainLength: fields.count('max_position_embeddings', 2048),
      strategy: fields.flag('alibi', false)
        ? alibi({ numHeads, scale: 1 / Math.sqrt(headDim) })
        : readRope(fields, headDim, {}, note),
      config: {
        vocabularySize: fields.count('vocab_size'),
        numLayers: fields.size('num_hidden_layers'),
        modelDim,
        numHeads,
        numKeyValueHeads,
        mlpDim: fields.count('ffn_hidden_size', 4 * modelDim),
        activation: readActivation(fields, 'activation', 'gelu'),
        parallelResidual: isParallel,
        normEpsilon: fields.positive('layer_norm_epsilon', 1e-5),
        tiedHead: fields.flag('tie_word_embeddings', true),
      },
    }
  },

  write({ config, strategy, trainLength }) {
    const { numHeads, numKeyValueHeads, parallelResidual: isParallel } = config
    if (!isParallel && ![1, numHeads].includes(numKeyValueHeads))
      throw new Error(
        `saveHuggingFace: expected 1 or ${numHeads} numKeyValueHeads for falcon without parallelResidual, got ${numKeyValueHeads}`,
      )
    if (strategy.bias) checkPaperSlopes(strategy, 'falcon', 1 / Math.sqrt(config.headDim))
    return {
      vocab_size: config.vocabularySize,
      hidden_size: config.modelDim,
      num_hidden_layers: config.numLayers,
      num_attention_heads: numHeads,
      ffn_hidden_size: config.mlpDim,
      activation: writeActivation(config.activation),
      layer_norm_epsilon: config.normEpsilon,
      bias: true,
      parallel_attn: isParallel,
      // The old architecture has one norm where both read in parallel; ours has two.
      new_decoder_architecture: isParallel,
      ...(isParallel && { num_ln_in_parallel_attn: 2 }),
      num_kv_heads: isParallel ? numKeyValueHeads : numHeads,
      multi_query: !isParallel && numKeyValueHeads < numHeads,
      ...(strategy.bias ? { alibi: true } : { alibi: false, rope_parameters: ropeOf(strategy, config) }),
      max_position_embeddings: trainLength ?? 2048,
      hidden_dropout: config.dropout,
      attention_dropout: config.dropout,
    }
  },

  arrays(config, fields) {
    const biases = { ours: true, theirs: fields.flag('bias', false) }
    const { norms } = readVariant(fields, config.numHeads)
    return [
      ...ends(config, falcon),
      ...layers(config, (layer): ArrayMapping[][] => {
        const [ours, theirs] = [`layers.${layer}`, `transformer.h.${layer}`]
        const qkv = `${theirs}.self_attention.query_key_value`
        return [
          norm(`${ours}.attention_norm`, `${theirs}.${norms[0]}`, true),
          projection(`${ours}.attention.qkv`, qkv, 'transposed, by group', biases),
          projection(`${ours}.attention.out`, `${theirs}.self_attention.dense`, 'transposed', biases),
          norm(`${ours}.mlp_norm`, `${theirs}.${norms[1]}`, true),
          projection(`${ours}.mlp.in`, `${theirs}.mlp.dense_h_to_4h`, 'transposed', biases),
          projection(`${ours}.mlp.out`, `${theirs}.mlp.dense_4h_to_h`, 'transposed', biases),
        ]
      }),
      ...norm('final_norm', 'transformer.ln_f', true),
    ]
  },
}

function ropeOf(strategy: PositionStrategy, config: ResolvedModelConfig): Record<string, unknown> {
  const written = writeLayers(strategy, config, 'falcon')
  if (inAll(written, 'window', 'falcon') !== undefined)
    throw new Error(`saveHuggingFace: expected no window for falcon, got ${written[0]!.window}; try mistral`)
  return wholeRope(written, 'falcon')
}

/** Which norms a layer has, and how many heads of keys and values. */
function readVariant(fields: Fields, numHeads: number) {
  const isParallel = fields.flag('parallel_attn', true)
  const count = 'num_ln_in_parallel_attn'
  if (fields.flag('new_decoder_architecture', false)) {
    fields.only('parallel_attn', true)
    fields.only(count, 1, 2)
    const numKeyValueHeads = fields.size('num_kv_heads', numHeads)
    if (numHeads % numKeyValueHeads)
      fields.fail('num_kv_heads', `num_kv_heads to divide num_attention_heads, ${numHeads},`)
    const norms = fields.optional(count) === 1 ? ['input_layernorm', 'input_layernorm'] : ['ln_attn', 'ln_mlp']
    return { isParallel, numKeyValueHeads, norms }
  }
  if (isParallel) fields.only(count, 1)
  const isShared = fields.flag('multi_query', true)
  if (!isShared) fields.only('num_kv_heads', numHeads)
  const second = isParallel ? 'input_layernorm' : 'post_attention_layernorm'
  return { isParallel, numKeyValueHeads: isShared ? 1 : numHeads, norms: ['input_layernorm', second] }
}
