// Options of fairseq's language models: fairseq/models/transformer_lm.py.
import type { Activation, ModelConfig } from '@alibi/transformer'
import type { Fields, ModelFields } from './fields.js'

/** Positions of a fairseq model: nothing in a plain one, its fixed sinusoids, or the fork's ALiBi. */
export type FairseqStrategy = 'alibi' | 'sinusoidal' | 'none'

/** All of them. */
export const fairseqStrategies: readonly FairseqStrategy[] = ['alibi', 'sinusoidal', 'none']

/** Options of a model that are refused but for these values; those that must be true must be there. */
export const fairseqOnly: Readonly<Record<string, readonly [boolean | number | null]>> = {
  decoder_normalize_before: [true],
  adaptive_input: [true],
  tie_adaptive_weights: [true],
  tie_adaptive_proj: [true],
  character_embeddings: [false],
  layernorm_embedding: [false],
  decoder_learned_pos: [false],
  share_decoder_input_output_embed: [false],
  add_bos_token: [false],
  decoder_layers_to_keep: [null],
  base_layers: [0],
  quant_noise_scalar: [0],
}

/** fairseq's names of activations that are computed here as there. */
const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map([
  ['relu', 'relu'],
  ['gelu', 'gelu-exact'],
  ['gelu_fast', 'gelu'],
  ['gelu_accurate', 'gelu'],
])
export const activationNames: Readonly<Record<Activation, string | undefined>> = {
  relu: 'relu',
  'gelu-exact': 'gelu',
  gelu: 'gelu_accurate',
  silu: undefined,
}

/**
 * @param rowsOfTables - counted once it is known that there are tables
 * @throws Error, one line with the field's name, for what is not computed exactly
 */
export function readConfig(fields: Fields, rowsOfTables: () => number): ModelConfig {
  checkVariant(fields)
  const vocabularySize = rowsOfTables()
  const modelDim = fields.count('decoder_embed_dim')
  for (const name of ['decoder_input_dim', 'decoder_output_dim']) fields.only(name, modelDim)
  const dropout = fields.number('dropout', 0.1)
  const activation = fields.text('activation_fn', 'relu')
  return {
    vocabularySize,
    numLayers: fields.count('decoder_layers'),
    modelDim,
    numHeads: fields.count('decoder_attention_heads'),
    mlpDim: fields.count('decoder_ffn_embed_dim'),
    activation:
      ACTIVATIONS.get(activation) ?? fields.refuse('activation_fn', `to be ${[...ACTIVATIONS.keys()].join(', ')}`),
    dropout,
    attentionDropout: fields.number('attention_dropout', 0),
    activationDropout: fields.number('activation_dropout', 0) || fields.number('relu_dropout', 0),
    embeddingScale: !fields.flag('no_scale_embedding', false),
    finalNorm: !fields.flag('no_decoder_final_norm', false),
    ...readAdaptive(fields, vocabularySize),
  }
}

function checkVariant(fields: Fields): void {
  const name = fields.has('_name') ? '_name' : 'arch'
  if (!fields.text(name, 'transformer_lm').startsWith('transformer_lm')) fields.refuse(name, 'to be a transformer_lm')
  for (const [option, [value]] of Object.entries(fairseqOnly))
    if (value !== true) fields.only(option, value)
    else if (!fields.flag(option, false)) fields.refuse(option, 'to be True: other variants are not computed')
}

type Adaptive = Pick<ModelConfig, 'adaptiveCutoffs' | 'adaptiveFactor' | 'tailDropout'>

function readAdaptive(fields: Fields, vocabularySize: number): Adaptive {
  const cutoffs = (name: string) => {
    const list = fields.text(name, '').split(',').map(Number)
    return list.every((cutoff) => Number.isInteger(cutoff) && cutoff > 0)
      ? list
      : fields.refuse(name, 'to be whole numbers with commas between them')
  }
  const softmax = cutoffs('adaptive_softmax_cutoff')
  if (fields.has('adaptive_input_cutoff') && `${cutoffs('adaptive_input_cutoff')}` !== `${softmax}`)
    fields.refuse('adaptive_input_cutoff', `to be ${softmax}, as adaptive_softmax_cutoff`)
  const factor = fields.number('adaptive_softmax_factor', 4)
  fields.only('adaptive_input_factor', factor)
  // A cutoff at the end of the vocabulary makes no band.
  const adaptiveCutoffs = softmax.at(-1) === vocabularySize ? softmax.slice(0, -1) : softmax
  if (!adaptiveCutoffs.length || adaptiveCutoffs.at(-1)! > vocabularySize)
    fields.refuse('adaptive_softmax_cutoff', `to make bands of the ${vocabularySize} rows of the tables`)
  return {
    adaptiveCutoffs,
    adaptiveFactor: factor,
    tailDropout: fields.number('adaptive_softmax_dropout', 0),
  }
}

/** Whether the file says that its model has ALiBi; see {@link strategyOf}. */
export const saysStrategy = ({ fields, ofModel }: ModelFields): boolean => ofModel && fields.has('max_tokens')

/**
 * What the file says, or else what was asked for. Plain fairseq and the fork of the ALiBi paper have the same options but
 * for `max_tokens`, which the fork's model takes; where all options of a command are together, every file has it.
 *
 * @throws Error, one line, if neither says it, or they differ
 */
export function strategyOf(found: ModelFields, asked: FairseqStrategy | undefined, where: string): FairseqStrategy {
  const { fields } = found
  const marked = saysStrategy(found)
  if (marked && asked !== undefined && asked !== 'alibi')
    throw new Error(
      `${where}: expected the strategy alibi, which the file says (max_tokens in cfg.model), got ${asked}`,
    )
  if (marked) return 'alibi'
  if (asked === undefined)
    throw new Error(
      `${where}: expected a strategy, alibi, sinusoidal or none, got none asked for, and the file does not say it; was it trained with the ALiBi fork of fairseq?`,
    )
  const withoutPositions = fields.flag('no_token_positional_embeddings', false)
  if (asked !== 'alibi' && withoutPositions !== (asked === 'none'))
    fields.refuse('no_token_positional_embeddings', `to be ${asked === 'none' ? 'True' : 'False'} for ${asked}`)
  return asked
}
