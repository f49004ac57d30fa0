// Names and layouts of fairseq's arrays. Letters: R rows and C columns of an array of theirs.
import type { ResolvedModelConfig } from '@alibi/transformer'

/** One of our arrays, and where it is in fairseq's: stacked along their first axis, and transposed. */
export interface ArrayMapping {
  readonly theirs: readonly string[]
  readonly transposed: boolean
}

/** The arrays of fairseq that make each of ours, by our names. */
export function arrayMappings(config: ResolvedModelConfig): Map<string, ArrayMapping> {
  const mappings = new Map<string, ArrayMapping>()
  const same = (ours: string, theirs: string) => mappings.set(ours, { theirs: [theirs], transposed: false })
  const transposed = (ours: string, theirs: string) => mappings.set(ours, { theirs: [theirs], transposed: true })
  const norm = (ours: string, theirs: string) => {
    same(`${ours}.scale`, `${theirs}.weight`)
    same(`${ours}.shift`, `${theirs}.bias`)
  }
  const linear = (ours: string, ...theirs: string[]) => {
    mappings.set(`${ours}.weight`, { theirs: theirs.map((name) => `${name}.weight`), transposed: true })
    mappings.set(`${ours}.bias`, { theirs: theirs.map((name) => `${name}.bias`), transposed: false })
  }
  for (let band = 0; band <= config.adaptiveCutoffs.length; band++) {
    same(`embedding.${band}.weight`, tableName(band))
    transposed(`embedding.${band}.projection.weight`, projectionName(band))
  }
  for (let layer = 0; layer < config.numLayers; layer++) {
    const [ours, theirs] = [`layers.${layer}`, `decoder.layers.${layer}`]
    const attention = `${theirs}.self_attn`
    linear(`${ours}.attention.qkv`, `${attention}.q_proj`, `${attention}.k_proj`, `${attention}.v_proj`)
    linear(`${ours}.attention.out`, `${attention}.out_proj`)
    norm(`${ours}.attention_norm`, `${theirs}.self_attn_layer_norm`)
    linear(`${ours}.mlp.in`, `${theirs}.fc1`)
    linear(`${ours}.mlp.out`, `${theirs}.fc2`)
    norm(`${ours}.mlp_norm`, `${theirs}.final_layer_norm`)
  }
  if (config.finalNorm) norm('final_norm', 'decoder.layer_norm')
  transposed('head.tails.weight', 'decoder.adaptive_softmax.head.class_proj.weight')
  return mappings
}

export const tableName = (band: number) => `decoder.embed_tokens.embeddings.${band}.0.weight`
const projectionName = (band: number) => `decoder.embed_tokens.embeddings.${band}.1.weight`

/** Arrays of the softmax that are the same as one of the input, by their names. */
export function tiedCopies({ adaptiveCutoffs }: ResolvedModelConfig): Map<string, string> {
  const softmax = 'decoder.adaptive_softmax'
  const copies = new Map([[`${softmax}.head.word_proj.weight`, tableName(0)]])
  for (const tail of adaptiveCutoffs.keys()) {
    copies.set(`${softmax}.tail.${tail}.0.weight`, projectionName(tail + 1))
    copies.set(`${softmax}.tail.${tail}.2.weight`, tableName(tail + 1))
  }
  return copies
}

/** Buffers that say nothing of the model, which strict loaders expect, with their one number. */
export const BUFFERS: ReadonlyMap<string, number> = new Map([
  ['decoder.version', 3],
  ['decoder.embed_tokens._float_tensor', 0],
  ['decoder.embed_positions._float_tensor', 0],
  ['decoder.adaptive_softmax.version', 1],
  ['decoder.adaptive_softmax.head._float_tensor', 0],
])

/** [R, C] → [C, R], row-major. */
export function transpose(data: Float32Array, rows: number): Float32Array {
  const columns = data.length / rows
  const out = new Float32Array(data.length)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column]!
  return out
}
