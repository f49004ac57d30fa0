// What Llama and the families after it have in common: the names of their sizes and arrays.
import type { ModelConfig, ResolvedModelConfig } from '@alibi/transformer'
import { readActivation, writeActivation } from './activations.js'
import { type ArrayMapping, biasesOf, ends, type Family, headsOf, layers, norm, projection } from './family.js'
import type { Fields } from './fields.js'

/** What a class of transformers takes where config.json does not say it. */
export interface SizeDefaults {
  readonly normEpsilon: number
  readonly tiedHead: boolean
  /** Default as many as heads. */
  readonly numKeyValueHeads?: number
  /** Default hidden_size / num_attention_heads. */
  readonly headDim?: number
  /** Name and default of the field of the activation. Default hidden_act, silu. */
  readonly activation?: readonly [name: string, fallback: string]
}

/** Sizes and choices under the names of Llama's config.json. */
export function readSizes(fields: Fields, defaults: SizeDefaults) {
  const modelDim = fields.size('hidden_size')
  const absent = (name: string) => !fields.names.includes(name)
  const headDim = absent('head_dim') ? defaults.headDim : fields.optional('head_dim') && fields.size('head_dim')
  const numHeads =
    headDim === undefined ? headsOf(fields, ['num_attention_heads'], modelDim) : fields.size('num_attention_heads')
  const numKeyValueHeads = fields.size(
    'num_key_value_heads',
    absent('num_key_value_heads') ? (defaults.numKeyValueHeads ?? numHeads) : numHeads,
  )
  if (numHeads % numKeyValueHeads)
    fields.fail('num_key_value_heads', `num_key_value_heads to divide num_attention_heads, ${numHeads},`)
  return {
    vocabularySize: fields.count('vocab_size'),
    numLayers: fields.size('num_hidden_layers'),
    modelDim,
    numHeads,
    headDim: (headDim as number | undefined) ?? modelDim / numHeads,
    numKeyValueHeads,
    mlpDim: fields.count('intermediate_size'),
    activation: readActivation(fields, ...(defaults.activation ?? (['hidden_act', 'silu'] as const))),
    normEpsilon: fields.positive('rms_norm_eps', defaults.normEpsilon),
    tiedHead: fields.flag('tie_word_embeddings', defaults.tiedHead),
  } satisfies ModelConfig
}

/** The reverse of {@link readSizes}. */
export const writeSizes = (config: ResolvedModelConfig, activation = 'hidden_act'): Record<string, unknown> => ({
  vocab_size: config.vocabularySize,
  hidden_size: config.modelDim,
  num_hidden_layers: config.numLayers,
  num_attention_heads: config.numHeads,
  num_key_value_heads: config.numKeyValueHeads,
  head_dim: config.headDim,
  intermediate_size: config.mlpDim,
  [activation]: writeActivation(config.activation),
  rms_norm_eps: config.normEpsilon,
  attention_dropout: config.dropout,
})

/** Whether attention and MLP have biases, as config.json says it. */
export function readBiases(fields: Fields, withMlp: boolean): { readonly attention: boolean; readonly mlp: boolean } {
  return { attention: fields.flag('attention_bias', false), mlp: withMlp && fields.flag('mlp_bias', false) }
}

/** Our choice for them: where the MLP alone has biases, those of attention are zeros. */
export const biasChoice = ({ attention, mlp }: ReturnType<typeof readBiases>) => mlp || (attention && 'attention')

/** How a family's arrays differ from Llama's. */
export interface DecoderArrays {
  /** The biases that the file has. Default none. */
  readonly biases?: { readonly qkv: boolean; readonly out: boolean; readonly mlp: boolean }
  /** Added to the weights of norms. Default 0. */
  readonly plus?: number
  /** A factor on the scale of queries' norms. Default 1. */
  readonly queryFactor?: number
  /** Queries, keys and values are one array, and so are the gate and what it gates. Default false. */
  readonly fused?: boolean
}

const NONE = { qkv: false, out: false, mlp: false }

/** The arrays of a model whose names are Llama's. */
export function decoderArrays(
  config: ResolvedModelConfig,
  family: Pick<Family, 'embedding' | 'heads'>,
  how: DecoderArrays = {},
): ArrayMapping[] {
  return [
    ...ends(config, family),
    ...layers(config, (layer) => layerArrays(config, `layers.${layer}`, `model.layers.${layer}`, how)),
    ...norm('final_norm', 'model.norm', false, { plus: how.plus ?? 0 }),
  ]
}

function layerArrays(
  config: ResolvedModelConfig,
  ours: string,
  theirs: string,
  { biases = NONE, plus = 0, queryFactor = 1, fused = false }: DecoderArrays,
): ArrayMapping[][] {
  const own = biasesOf(config)
  const attention = `${theirs}.self_attn`
  const both = (part: keyof typeof NONE) => ({ ours: own[part], theirs: biases[part] })
  const qkv = fused ? `${attention}.qkv_proj` : ['q', 'k', 'v'].map((each) => `${attention}.${each}_proj`)
  const part = (name: string, from: number): ArrayMapping[] => [
    {
      ours: `${ours}.mlp.${name}.weight`,
      theirs: [`${theirs}.mlp.gate_up_proj.weight`],
      layout: 'transposed',
      rows: { from, of: 2 * config.mlpDim },
    },
  ]
  const gated = fused
    ? [part('gate', 0), part('in', config.mlpDim)]
    : [
        projection(`${ours}.mlp.gate`, `${theirs}.mlp.gate_proj`, 'transposed', both('mlp')),
        projection(`${ours}.mlp.in`, `${theirs}.mlp.up_proj`, 'transposed', both('mlp')),
      ]
  const perHead = config.qkNorm
    ? [
        norm(`${ours}.attention.q_norm`, `${attention}.q_norm`, false, { plus, factor: queryFactor }),
        norm(`${ours}.attention.k_norm`, `${attention}.k_norm`, false, { plus }),
      ]
    : []
  const norms = NORMS[config.normPlacement].map(([name, array]) =>
    norm(`${ours}.${name}`, `${theirs}.${array}`, false, { plus }),
  )
  return [
    ...norms,
    projection(`${ours}.attention.qkv`, qkv, 'transposed', both('qkv')),
    ...perHead,
    projection(`${ours}.attention.out`, `${attention}.o_proj`, 'transposed', both('out')),
    ...gated,
    projection(`${ours}.mlp.out`, `${theirs}.mlp.down_proj`, 'transposed', both('mlp')),
  ]
}

/** Our norms and theirs: a name of theirs means another norm where there are four of them. */
const NORMS: Readonly<
  Record<ResolvedModelConfig['normPlacement'], readonly (readonly [ours: string, theirs: string])[]>
> = {
  pre: [
    ['attention_norm', 'input_layernorm'],
    ['mlp_norm', 'post_attention_layernorm'],
  ],
  post: [],
  output: [
    ['attention_output_norm', 'post_attention_layernorm'],
    ['mlp_output_norm', 'post_feedforward_layernorm'],
  ],
  'pre-and-output': [
    ['attention_norm', 'input_layernorm'],
    ['attention_output_norm', 'post_attention_layernorm'],
    ['mlp_norm', 'pre_feedforward_layernorm'],
    ['mlp_output_norm', 'post_feedforward_layernorm'],
  ],
}
