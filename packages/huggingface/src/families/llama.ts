import { readActivation, writeActivation } from './activations.js'
import { ends, type Family, headsOf, layers, norm, projection } from './family.js'
import { readRope, writeRope } from './rope.js'

/** Llama (Touvron et al., 2023) 1 to 3: rotary, RMS norm, a gated MLP, shared heads of keys and values. */
export const llama: Family = {
  name: 'llama',
  className: 'LlamaForCausalLM',
  prefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'silu', gatedMlp: true, norm: 'rms', normEpsilon: 1e-6, projectionBias: false },
  free: ['activation', 'projectionBias', 'numKeyValueHeads', 'mlpDim'],

  read(fields, note) {
    const modelDim = fields.size('hidden_size')
    const numHeads = headsOf(fields, ['num_attention_heads'], modelDim)
    const numKeyValueHeads = fields.size('num_key_value_heads', numHeads)
    if (numHeads % numKeyValueHeads)
      fields.fail('num_key_value_heads', `num_key_value_heads to divide num_attention_heads, ${numHeads},`)
    fields.only('use_parallel_residual', false)
    const spelling = { base: 'rope_theta', share: 'partial_rotary_factor', defaultShare: 1 }
    for (const at of [fields, fields.inside('rope_parameters'), fields.inside('rope_scaling')])
      at.only('partial_rotary_factor', 1)
    return {
      trainLength: fields.count('max_position_embeddings', 2048),
      strategy: readRope(fields, modelDim / numHeads, spelling, note),
      config: {
        vocabularySize: fields.count('vocab_size'),
        numLayers: fields.size('num_hidden_layers'),
        modelDim,
        numHeads,
        numKeyValueHeads,
        mlpDim: fields.count('intermediate_size'),
        activation: readActivation(fields, 'hidden_act', 'silu'),
        projectionBias: fields.flag('attention_bias', false) || fields.flag('mlp_bias', false),
        normEpsilon: fields.positive('rms_norm_eps', 1e-6),
        tiedHead: fields.flag('tie_word_embeddings', false),
      },
    }
  },

  write({ config, strategy, trainLength }) {
    const { partial_rotary_factor, ...rope } = writeRope(strategy, config.modelDim / config.numHeads, 'llama')
    if (partial_rotary_factor !== 1)
      throw new Error(
        `saveHuggingFace: expected all features of a head to rotate for llama, got a share of ${partial_rotary_factor}; try gpt_neox`,
      )
    return {
      vocab_size: config.vocabularySize,
      hidden_size: config.modelDim,
      num_hidden_layers: config.numLayers,
      num_attention_heads: config.numHeads,
      num_key_value_heads: config.numKeyValueHeads,
      intermediate_size: config.mlpDim,
      hidden_act: writeActivation(config.activation),
      attention_bias: config.projectionBias,
      mlp_bias: config.projectionBias,
      rms_norm_eps: config.normEpsilon,
      rope_parameters: rope,
      max_position_embeddings: trainLength ?? 2048,
      attention_dropout: config.dropout,
    }
  },

  arrays(config, fields) {
    const attention = { ours: config.projectionBias, theirs: fields.flag('attention_bias', false) }
    const mlp = { ours: config.projectionBias, theirs: fields.flag('mlp_bias', false) }
    return [
      ...ends(config, llama),
      ...layers(config, (layer) => {
        const [ours, theirs] = [`layers.${layer}`, `model.layers.${layer}`]
        const qkv = ['q', 'k', 'v'].map((part) => `${theirs}.self_attn.${part}_proj`)
        return [
          norm(`${ours}.attention_norm`, `${theirs}.input_layernorm`, false),
          projection(`${ours}.attention.qkv`, qkv, 'transposed', attention),
          projection(`${ours}.attention.out`, `${theirs}.self_attn.o_proj`, 'transposed', attention),
          norm(`${ours}.mlp_norm`, `${theirs}.post_attention_layernorm`, false),
          projection(`${ours}.mlp.gate`, `${theirs}.mlp.gate_proj`, 'transposed', mlp),
          projection(`${ours}.mlp.in`, `${theirs}.mlp.up_proj`, 'transposed', mlp),
          projection(`${ours}.mlp.out`, `${theirs}.mlp.down_proj`, 'transposed', mlp),
        ]
      }),
      ...norm('final_norm', 'model.norm', false),
    ]
  },
}
