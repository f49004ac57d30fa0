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
  alibi: [false],
  apply_residual_connection_post_layernorm: [false],
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
  use_bidirectional_attention: [false],
  use_qk_norm: [false],
  window_size: [],
}

/** Those that a family which reads some fields refuses, with the values that it takes. */
export const foreignFields = (reads: readonly string[]): Readonly<Record<string, readonly unknown[]>> =>
  Object.fromEntries(Object.entries(NOTHING).filter(([name]) => !reads.includes(name)))

/**
 * @param headDim - the width of a head
 * @param reads - fields that the family reads
 * @throws Error, one line, for a field that says what no model of the family does
 */
export function refuseForeign(fields: Fields, headDim: number, reads: readonly string[] = []): void {
  for (const [name, values] of Object.entries(foreignFields(reads))) fields.only(name, ...values)
  fields.only('head_dim', headDim)
  // Some write the width of a window that `use_sliding_window` then turns off.
  if (!reads.includes('sliding_window') && fields.optional('use_sliding_window') !== false)
    fields.only('sliding_window')
  const layers = fields.optional('layer_types')
  if (
    !reads.includes('layer_types') &&
    layers !== undefined &&
    !(Array.isArray(layers) && layers.every((type) => type === 'full_attention'))
  )
    fields.fail('layer_types', 'layer_types of full_attention alone')
  const pruned = fields.optional('pruned_heads')
  if (pruned !== undefined && Object.keys(pruned as object).length) fields.fail('pruned_heads', 'no pruned_heads')
}
