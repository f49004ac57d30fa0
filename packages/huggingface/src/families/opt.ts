import { learned } from '@alibi/sinusoidal'
import { readActivation, writeActivation } from './activations.js'
import { type ArrayMapping, ends, type Family, headsOf, layers, norm, projection } from './family.js'
import { positionsOfTable } from './learned-table.js'

/** Rows of the table before that of position 0, which fairseq kept for padding. */
const OFFSET = 2

/** Of its norms, whatever config.json says. */
const EPSILON = 1e-5

/** OPT (Zhang et al., 2022): a learned table of positions with an offset, norms before or after. */
export const opt: Family = {
  name: 'opt',
  className: 'OPTForCausalLM',
  prefix: 'model.',
  embedding: 'model.decoder.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'relu' },
  free: ['activation', 'mlpDim'],
  also: { normPlacement: ['post'], finalNorm: [false] },
  positions: ['a learned table'],

  read(fields) {
    const modelDim = fields.size('hidden_size')
    fields.only('word_embed_proj_dim', modelDim)
    const maxPositions = fields.count('max_position_embeddings', 2048)
    const before = fields.flag('do_layer_norm_before', true)
    return {
      trainLength: maxPositions,
      strategy: learned({ modelDim, maxPositions, offset: OFFSET }),
      config: {
        vocabularySize: fields.count('vocab_size'),
        numLayers: fields.size('num_hidden_layers'),
        modelDim,
        numHeads: headsOf(fields, ['num_attention_heads'], modelDim),
        mlpDim: fields.count('ffn_dim'),
        activation: readActivation(fields, 'activation_function', 'relu'),
        normPlacement: before ? 'pre' : 'post',
        finalNorm: before && !fields.flag('_remove_final_layer_norm', false),
        normEpsilon: EPSILON,
        tiedHead: fields.flag('tie_word_embeddings', true),
      },
    }
  },

  write({ config, strategy }) {
    const maxPositions = positionsOfTable(strategy, OFFSET, 'opt')
    if (config.normEpsilon !== EPSILON)
      throw new Error(`saveHuggingFace: expected normEpsilon ${EPSILON} for opt, got ${config.normEpsilon}`)
    if (config.normPlacement === 'post' && config.finalNorm)
      throw new Error('saveHuggingFace: expected finalNorm false for opt with normPlacement post, got true')
    return {
      vocab_size: config.vocabularySize,
      hidden_size: config.modelDim,
      num_hidden_layers: config.numLayers,
      num_attention_heads: config.numHeads,
      ffn_dim: config.mlpDim,
      max_position_embeddings: maxPositions,
      activation_function: writeActivation(config.activation),
      do_layer_norm_before: config.normPlacement === 'pre',
      _remove_final_layer_norm: !config.finalNorm,
      dropout: config.dropout,
      attention_dropout: config.dropout,
    }
  },

  arrays(config, fields) {
    const biases = { ours: true, theirs: fields.flag('enable_bias', true) }
    const isScaled = fields.flag('layer_norm_elementwise_affine', true)
    const normed = (ours: string, theirs: string): ArrayMapping[] =>
      isScaled
        ? norm(ours, theirs, true)
        : [
            { ours: `${ours}.scale`, theirs: [], layout: 'same', plus: 1 },
            { ours: `${ours}.shift`, theirs: [], layout: 'same' },
          ]
    return [
      ...ends(config, opt),
      { ours: 'position.table', theirs: ['model.decoder.embed_positions.weight'], layout: 'same' },
      ...layers(config, (layer) => {
        const [ours, theirs] = [`layers.${layer}`, `model.decoder.layers.${layer}`]
        const qkv = ['q', 'k', 'v'].map((part) => `${theirs}.self_attn.${part}_proj`)
        return [
          normed(`${ours}.attention_norm`, `${theirs}.self_attn_layer_norm`),
          projection(`${ours}.attention.qkv`, qkv, 'transposed', biases),
          projection(`${ours}.attention.out`, `${theirs}.self_attn.out_proj`, 'transposed', biases),
          normed(`${ours}.mlp_norm`, `${theirs}.final_layer_norm`),
          projection(`${ours}.mlp.in`, `${theirs}.fc1`, 'transposed', biases),
          projection(`${ours}.mlp.out`, `${theirs}.fc2`, 'transposed', biases),
        ]
      }),
      ...(config.finalNorm ? normed('final_norm', 'model.decoder.final_layer_norm') : []),
    ]
  },
}
