import { alibi } from '@alibi/alibi'
import { ends, type Family, headsOf, layers, norm, projection } from './family.js'
import { checkPaperSlopes } from './slopes.js'

/** BLOOM (BigScience, 2022): ALiBi, a norm of the embeddings, queries, keys and values fused head by head. */
export const bloom: Family = {
  name: 'bloom',
  className: 'BloomForCausalLM',
  prefix: 'transformer.',
  embedding: 'transformer.word_embeddings.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'gelu', embeddingNorm: true },
  free: [],
  positions: ['ALiBi'],
  reads: ['alibi'],
  only: { alibi: [true] },

  read(fields) {
    const modelDim = fields.size(['n_embed', 'hidden_size'])
    const numHeads = headsOf(fields, ['n_head', 'num_attention_heads'], modelDim)
    fields.only('n_inner', 4 * modelDim)
    const trainLength = fields.optional('seq_length') === undefined ? undefined : fields.count('seq_length')
    return {
      trainLength,
      strategy: alibi({ numHeads }),
      config: {
        vocabularySize: fields.count('vocab_size'),
        numLayers: fields.size(['n_layer', 'num_hidden_layers']),
        modelDim,
        numHeads,
        normEpsilon: fields.positive('layer_norm_epsilon', 1e-5),
        tiedHead: fields.flag('tie_word_embeddings', true),
      },
    }
  },

  write({ config, strategy, trainLength }) {
    checkPaperSlopes(strategy, 'bloom')
    return {
      vocab_size: config.vocabularySize,
      hidden_size: config.modelDim,
      n_layer: config.numLayers,
      n_head: config.numHeads,
      layer_norm_epsilon: config.normEpsilon,
      hidden_dropout: config.dropout,
      attention_dropout: config.dropout,
      ...(trainLength && { seq_length: trainLength }),
    }
  },

  arrays(config) {
    const both = { ours: true, theirs: true }
    return [
      ...ends(config, bloom),
      ...norm('embedding_norm', 'transformer.word_embeddings_layernorm', true),
      ...layers(config, (layer) => {
        const [ours, theirs] = [`layers.${layer}`, `transformer.h.${layer}`]
        const qkv = `${theirs}.self_attention.query_key_value`
        return [
          norm(`${ours}.attention_norm`, `${theirs}.input_layernorm`, true),
          projection(`${ours}.attention.qkv`, qkv, 'transposed, by group', both),
          projection(`${ours}.attention.out`, `${theirs}.self_attention.dense`, 'transposed', both),
          norm(`${ours}.mlp_norm`, `${theirs}.post_attention_layernorm`, true),
          projection(`${ours}.mlp.in`, `${theirs}.mlp.dense_h_to_4h`, 'transposed', both),
          projection(`${ours}.mlp.out`, `${theirs}.mlp.dense_4h_to_h`, 'transposed', both),
        ]
      }),
      ...norm('final_norm', 'transformer.ln_f', true),
    ]
  },
}
