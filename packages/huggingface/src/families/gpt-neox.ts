import { readActivation, writeActivation } from './activations.js'
import { ends, type Family, headsOf, layers, norm, projection } from './family.js'
import { readRope, writeRope } from './rope.js'

/** GPT-NeoX (Black et al., 2022) and Pythia: some features of each head rotate, attention and MLP in parallel. */
export const gptNeox: Family = {
  name: 'gpt_neox',
  className: 'GPTNeoXForCausalLM',
  prefix: 'gpt_neox.',
  embedding: 'gpt_neox.embed_in.weight',
  // transformers 5 calls it by the second name, and writes the first.
  heads: ['embed_out.weight', 'lm_head.weight'],
  architecture: { activation: 'gelu-exact', parallelResidual: true },
  free: ['activation', 'parallelResidual', 'mlpDim'],
  positions: ['rotary'],

  read(fields, note) {
    const modelDim = fields.size('hidden_size')
    const numHeads = headsOf(fields, ['num_attention_heads'], modelDim)
    const spelling = { base: 'rotary_emb_base', share: 'rotary_pct', defaultShare: 0.25 } as const
    return {
      trainLength: fields.count('max_position_embeddings', 2048),
      strategy: readRope(fields, modelDim / numHeads, spelling, note),
      config: {
        vocabularySize: fields.count('vocab_size'),
        numLayers: fields.size('num_hidden_layers'),
        modelDim,
        numHeads,
        mlpDim: fields.count('intermediate_size'),
        activation: readActivation(fields, 'hidden_act', 'gelu'),
        parallelResidual: fields.flag('use_parallel_residual', true),
        normEpsilon: fields.positive('layer_norm_eps', 1e-5),
        tiedHead: fields.flag('tie_word_embeddings', false),
      },
    }
  },

  write: ({ config, strategy, trainLength }) => ({
    vocab_size: config.vocabularySize,
    hidden_size: config.modelDim,
    num_hidden_layers: config.numLayers,
    num_attention_heads: config.numHeads,
    intermediate_size: config.mlpDim,
    hidden_act: writeActivation(config.activation),
    use_parallel_residual: config.parallelResidual,
    layer_norm_eps: config.normEpsilon,
    rope_parameters: writeRope(strategy, config.headDim, 'gpt_neox'),
    max_position_embeddings: trainLength ?? 2048,
    hidden_dropout: config.dropout,
    attention_dropout: config.dropout,
  }),

  arrays(config, fields) {
    const both = { ours: true, theirs: true }
    const attention = { ours: true, theirs: fields.flag('attention_bias', true) }
    return [
      ...ends(config, gptNeox),
      ...layers(config, (layer) => {
        const [ours, theirs] = [`layers.${layer}`, `gpt_neox.layers.${layer}`]
        const qkv = `${theirs}.attention.query_key_value`
        return [
          norm(`${ours}.attention_norm`, `${theirs}.input_layernorm`, true),
          projection(`${ours}.attention.qkv`, qkv, 'transposed, by group', attention),
          projection(`${ours}.attention.out`, `${theirs}.attention.dense`, 'transposed', attention),
          norm(`${ours}.mlp_norm`, `${theirs}.post_attention_layernorm`, true),
          projection(`${ours}.mlp.in`, `${theirs}.mlp.dense_h_to_4h`, 'transposed', both),
          projection(`${ours}.mlp.out`, `${theirs}.mlp.dense_4h_to_h`, 'transposed', both),
        ]
      }),
      ...norm('final_norm', 'gpt_neox.final_layer_norm', true),
    ]
  },
}
