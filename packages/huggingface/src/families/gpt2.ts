import { learned } from '@alibi/sinusoidal'
import { readActivation, writeActivation } from './activations.js'
import { ends, type Family, headsOf, layers, norm, projection } from './family.js'
import { positionsOfTable } from './learned-table.js'

/** GPT-2 (Radford et al., 2019): a learned table of positions; its projections lie as ours do. */
export const gpt2: Family = {
  name: 'gpt2',
  className: 'GPT2LMHeadModel',
  prefix: 'transformer.',
  embedding: 'transformer.wte.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'gelu' },
  free: ['activation', 'mlpDim'],
  positions: ['a learned table'],
  only: { scale_attn_weights: [true], scale_attn_by_inverse_layer_idx: [false], add_cross_attention: [false] },

  read(fields) {
    const modelDim = fields.size(['n_embd', 'hidden_size'])
    // The first releases had n_ctx besides.
    const places = ['n_positions', 'max_position_embeddings']
    const maxPositions = fields.count(places.some((name) => fields.optional(name) !== undefined) ? places : 'n_ctx')
    return {
      trainLength: maxPositions,
      strategy: learned({ modelDim, maxPositions }),
      config: {
        vocabularySize: fields.count('vocab_size'),
        numLayers: fields.size(['n_layer', 'num_hidden_layers']),
        modelDim,
        numHeads: headsOf(fields, ['n_head', 'num_attention_heads'], modelDim),
        mlpDim: fields.count('n_inner', 4 * modelDim),
        activation: readActivation(fields, 'activation_function', 'gelu_new'),
        normEpsilon: fields.positive('layer_norm_epsilon', 1e-5),
        tiedHead: fields.flag('tie_word_embeddings', true),
      },
    }
  },

  write: ({ config, strategy }) => ({
    vocab_size: config.vocabularySize,
    n_embd: config.modelDim,
    n_layer: config.numLayers,
    n_head: config.numHeads,
    n_inner: config.mlpDim,
    n_positions: positionsOfTable(strategy, 0, 'gpt2'),
    activation_function: writeActivation(config.activation),
    layer_norm_epsilon: config.normEpsilon,
    resid_pdrop: config.dropout,
    embd_pdrop: config.dropout,
    attn_pdrop: config.dropout,
  }),

  arrays(config) {
    const both = { ours: true, theirs: true }
    return [
      ...ends(config, gpt2),
      { ours: 'position.table', theirs: ['transformer.wpe.weight'], layout: 'same' },
      ...layers(config, (layer) => {
        const [ours, theirs] = [`layers.${layer}`, `transformer.h.${layer}`]
        return [
          norm(`${ours}.attention_norm`, `${theirs}.ln_1`, true),
          projection(`${ours}.attention.qkv`, `${theirs}.attn.c_attn`, 'same', both),
          projection(`${ours}.attention.out`, `${theirs}.attn.c_proj`, 'same', both),
          norm(`${ours}.mlp_norm`, `${theirs}.ln_2`, true),
          projection(`${ours}.mlp.in`, `${theirs}.mlp.c_fc`, 'same', both),
          projection(`${ours}.mlp.out`, `${theirs}.mlp.c_proj`, 'same', both),
        ]
      }),
      ...norm('final_norm', 'transformer.ln_f', true),
    ]
  },
}
