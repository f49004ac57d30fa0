import type { Fields } from './fields.js'

/**
 * Fields with which other models of transformers compute something that the families here never do, and the values at
 * which that is nothing. transformers leaves them unread in these families, so a config.json that has one describes
 * another model than its `model_type` says: what it was trained with cannot be known.
 */
const NOTHING: Readonly<Record<string, readonly unknown[]>> = {
  attention_multiplier: [],
  attn_logit_softcapping: [0],
  add_cross_attention: [false],
  clip_qkv: [0],
  embedding_multiplier: [1],
  embedding_scale: [1],
  final_logit_softcapping: [0],
  is_encoder_decoder: [false],
  logit_scale: [1],
  logits_scaling: [1],
  mup_width_multiplier: [1],
  multi_query: [false],
  no_rope_layer_interval: [],
  no_rope_layers: [],
  num_experts: [0, 1],
  num_local_experts: [0, 1],
  parallel_residual: [false],
  qk_layernorm: [false],
  qk_ln: [false],
  qk_norm: [false],
  quantization_config: [],
  query_pre_attn_scalar: [],
  residual_multiplier: [1],
  rope_interleave: [false],
  rope_interleaved: [false],
  scale_depth: [],
  scale_emb: [1],
  use_qk_norm: [false],
  window_size: [],
}

/**
 * @param headDim - modelDim / numHeads
 * @param withAlibi - whether the family has ALiBi
 * @throws Error, one line, for a field that says what no model of the family does
 */
export function refuseForeign(fields: Fields, headDim: number, withAlibi: boolean): void {
  for (const [name, values] of Object.entries(NOTHING)) fields.only(name, ...values)
  fields.only('head_dim', headDim)
  fields.only('alibi', withAlibi)
  // Some write the width of a window that `use_sliding_window` then turns off.
  if (fields.optional('use_sliding_window') !== false) fields.only('sliding_window')
  const layers = fields.optional('layer_types')
  if (layers !== undefined && !(Array.isArray(layers) && layers.every((type) => type === 'full_attention')))
    fields.fail('layer_types', 'layer_types of full_attention alone')
  const pruned = fields.optional('pruned_heads')
  if (pruned !== undefined && Object.keys(pruned as object).length) fields.fail('pruned_heads', 'no pruned_heads')
}
