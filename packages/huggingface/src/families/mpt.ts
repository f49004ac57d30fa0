import { alibi, alibiSlopes } from '@alibi/alibi'
import { ends, type Family, headsOf, layers, norm, projection } from './family.js'
import { checkPaperSlopes } from './slopes.js'

/** MPT (MosaicML, 2023): ALiBi with any gentlest slope, no biases, sometimes clipped queries, keys and values. */
export const mpt: Family = {
  name: 'mpt',
  className: 'MptForCausalLM',
  prefix: 'transformer.',
  embedding: 'transformer.wte.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'gelu-exact', projectionBias: false },
  free: ['clipQkv'],
  positions: ['ALiBi'],
  reads: ['alibi'],
  only: {
    alibi: [true],
    'attn_config.alibi': [true],
    'attn_config.attn_type': ['multihead_attention'],
    'attn_config.prefix_lm': [false],
    'attn_config.qk_ln': [false],
    'attn_config.softmax_scale': [],
    no_bias: [true],
    expansion_ratio: [4],
    logit_scale: [],
    norm_type: ['low_precision_layernorm', 'layernorm'],
  },

  read(fields) {
    const attention = fields.inside('attn_config')
    const modelDim = fields.size(['d_model', 'hidden_size'])
    const numHeads = headsOf(fields, ['n_heads', 'num_attention_heads'], modelDim)
    return {
      trainLength: fields.count('max_seq_len', 2048),
      strategy: alibi({ numHeads, slopes: alibiSlopes(numHeads, attention.positive('alibi_bias_max', 8)) }),
      config: {
        vocabularySize: fields.count('vocab_size'),
        numLayers: fields.size(['n_layers', 'num_hidden_layers']),
        modelDim,
        numHeads,
        // transformers takes 0 as none.
        clipQkv: attention.optional('clip_qkv') ? attention.positive('clip_qkv') : null,
        normEpsilon: fields.positive('layer_norm_epsilon', 1e-5),
        tiedHead: fields.flag('tie_word_embeddings', true),
      },
    }
  },

  write({ config, strategy, trainLength }) {
    checkPaperSlopes(strategy, 'mpt')
    return {
      vocab_size: config.vocabularySize,
      d_model: config.modelDim,
      n_layers: config.numLayers,
      n_heads: config.numHeads,
      // Its table of biases has this many columns: longer inputs fail in transformers.
      max_seq_len: trainLength ?? 2048,
      layer_norm_epsilon: config.normEpsilon,
      resid_pdrop: config.dropout,
      emb_pdrop: config.dropout,
      attn_config: { alibi: true, alibi_bias_max: 8, clip_qkv: config.clipQkv, attn_impl: 'torch' },
    }
  },

  arrays(config) {
    const none = { ours: false, theirs: false }
    return [
      ...ends(config, mpt),
      ...layers(config, (layer) => {
        const [ours, theirs] = [`layers.${layer}`, `transformer.blocks.${layer}`]
        return [
          norm(`${ours}.attention_norm`, `${theirs}.norm_1`, false),
          projection(`${ours}.attention.qkv`, `${theirs}.attn.Wqkv`, 'transposed', none),
          projection(`${ours}.attention.out`, `${theirs}.attn.out_proj`, 'transposed', none),
          norm(`${ours}.mlp_norm`, `${theirs}.norm_2`, false),
          projection(`${ours}.mlp.in`, `${theirs}.ffn.up_proj`, 'transposed', none),
          projection(`${ours}.mlp.out`, `${theirs}.ffn.down_proj`, 'transposed', none),
        ]
      }),
      ...norm('final_norm', 'transformer.norm_f', false),
    ]
  },
}
