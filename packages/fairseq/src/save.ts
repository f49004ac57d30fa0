import { type PositionStrategy, reference } from '@alibi/core'
import { saveTorch, type TorchValue, tensor } from '@alibi/torch-checkpoint'
import { type Model, type ResolvedModelConfig, resolveConfig } from '@alibi/transformer'
import { type ArrayMapping, arrayMappings, BUFFERS, tiedCopies, transpose } from './arrays.js'
import { activationNames, type FairseqStrategy } from './config.js'
import { makeStrategy } from './load.js'

/** What {@link saveFairseq} takes besides a path and a model. */
export interface SaveFairseqOptions {
  /** Tokens of the sequences it was trained on. */
  readonly trainLength: number
}

/**
 * Writes a checkpoint that fairseq loads, float32, with what evaluation needs: for ALiBi, the authors' fork of it. The file
 * appears whole or not at all.
 *
 * @throws Error, one line, for a model that fairseq's cannot express exactly, saying what differs
 */
export async function saveFairseq(path: string, model: Model, { trainLength }: SaveFairseqOptions): Promise<void> {
  checkArchitecture(model.config)
  const strategy = strategyNameOf(model)
  const options = modelOptions(model.config, strategy, trainLength)
  await saveTorch(path, {
    args: null,
    cfg: {
      _name: null,
      model: options,
      task: { _name: 'language_modeling', tokens_per_sample: trainLength, add_bos_token: false },
      criterion: { _name: 'adaptive_loss' },
    },
    model: stateDict(model),
    optimizer_history: [
      {
        criterion_name: 'AdaptiveLoss',
        optimizer_name: 'FairseqNAG',
        lr_scheduler_state: { best: null },
        num_updates: 0,
      },
    ],
    task_state: {},
    extra_state: { train_iterator: { version: 2, epoch: 1, iterations_in_epoch: 0, shuffle: true } },
  })
}

/** fairseq's arrays, each read from the device when it is written; tied ones share a storage. */
function stateDict({ config, parameters }: Model): ReadonlyMap<string, TorchValue> {
  const arrays = new Map<string, TorchValue>()
  for (const [ours, mapping] of arrayMappings(config)) {
    const variable = parameters.get(ours)!
    const shape = mapping.transposed ? [...variable.shape].reverse() : variable.shape
    for (const [i, name] of mapping.theirs.entries()) {
      const rows = shape[0]! / mapping.theirs.length
      const read = async () => partOf((await variable.data()) as Float32Array, mapping, shape, i)
      arrays.set(name, tensor([rows, ...shape.slice(1)], read))
    }
  }
  for (const [copy, original] of tiedCopies(config)) arrays.set(copy, arrays.get(original)!)
  for (const [name, value] of BUFFERS)
    arrays.set(
      name,
      tensor([1], () => Float32Array.of(value)),
    )
  return arrays
}

/** One of the arrays that are stacked in ours, in their layout. */
function partOf(data: Float32Array, { theirs, transposed }: ArrayMapping, shape: readonly number[], part: number) {
  const whole = transposed ? transpose(data, shape[1]!) : data
  const size = whole.length / theirs.length
  return whole.subarray(part * size, (part + 1) * size)
}

function modelOptions(config: ResolvedModelConfig, strategy: FairseqStrategy, trainLength: number) {
  const { modelDim, mlpDim, numLayers, numHeads, activation, dropout, attentionDropout, activationDropout } = config
  const cutoffs = config.adaptiveCutoffs.join(',')
  return {
    _name: strategy === 'alibi' ? 'transformer_lm_wiki103' : 'transformer_lm',
    activation_fn: activationNames[activation]!,
    dropout,
    attention_dropout: attentionDropout,
    activation_dropout: activationDropout,
    relu_dropout: 0,
    decoder_embed_dim: modelDim,
    decoder_output_dim: modelDim,
    decoder_input_dim: modelDim,
    decoder_ffn_embed_dim: mlpDim,
    decoder_layers: numLayers,
    decoder_attention_heads: numHeads,
    decoder_normalize_before: true,
    no_decoder_final_norm: !config.finalNorm,
    adaptive_softmax_cutoff: cutoffs,
    adaptive_softmax_dropout: config.tailDropout,
    adaptive_softmax_factor: config.adaptiveFactor,
    no_token_positional_embeddings: strategy === 'none',
    share_decoder_input_output_embed: false,
    character_embeddings: false,
    adaptive_input: true,
    adaptive_input_factor: config.adaptiveFactor,
    adaptive_input_cutoff: cutoffs,
    tie_adaptive_weights: true,
    tie_adaptive_proj: true,
    decoder_learned_pos: false,
    layernorm_embedding: false,
    no_scale_embedding: !config.embeddingScale,
    checkpoint_activations: false,
    offload_activations: false,
    decoder_layerdrop: 0,
    decoder_layers_to_keep: null,
    quant_noise_pq: 0,
    quant_noise_pq_block_size: 8,
    quant_noise_scalar: 0,
    min_params_to_wrap: 100_000_000,
    base_layers: 0,
    base_sublayers: 1,
    base_shuffle: false,
    add_bos_token: false,
    tokens_per_sample: trainLength,
    max_target_positions: trainLength,
    tpu: false,
    // Only the fork's models take it: the size of its mask, which evaluation overrides.
    ...(strategy === 'alibi' && { max_tokens: trainLength }),
  }
}

// biome-ignore format: a table
const CHOICES = [
  'headDim', 'gatedMlp', 'parallelResidual', 'numKeyValueHeads', 'clipQkv', 'norm', 'normEpsilon', 'normPlacement', 'qkNorm',
  'projectionBias', 'causal', 'embeddingNorm', 'tiedHead',
] as const

function checkArchitecture(config: ResolvedModelConfig): void {
  const { vocabularySize, numLayers, modelDim, numHeads, activation } = config
  if (!config.adaptiveCutoffs.length)
    throw new Error('saveFairseq: expected adaptive input and softmax, got one table; train with adaptiveCutoffs')
  const want = resolveConfig({ vocabularySize, numLayers, modelDim, numHeads })
  const wrong = CHOICES.find((choice) => config[choice] !== want[choice])
  if (wrong)
    throw new Error(`saveFairseq: expected ${wrong} ${want[wrong]}, got ${config[wrong]}; fairseq has no other`)
  if (!activationNames[activation])
    throw new Error(`saveFairseq: expected activation relu, gelu or gelu-exact, got ${activation}`)
}

/** Which of fairseq's a model's strategy is, to the last digit of what it computes. */
function strategyNameOf({ config, strategy }: Model): FairseqStrategy {
  const found = (['alibi', 'sinusoidal', 'none'] as const).find((name) => name === strategy.name)
  if (found && same(strategy, makeStrategy(found, config))) return found
  throw new Error(
    `saveFairseq: expected ALiBi with the paper's slopes, fairseq's sinusoids or no positions, got ${found ? `another ${found}` : strategy.name}`,
  )
}

function same(a: PositionStrategy, b: PositionStrategy): boolean {
  if (a.parameters || a.rotation || a.embedding?.modelDim !== b.embedding?.modelDim || a.bias?.kind !== b.bias?.kind)
    return false
  const numbers = ({ bias, embedding }: PositionStrategy) => [
    ...(bias?.kind === 'linear' ? bias.slopes(reference, {}).data : []),
    ...(embedding ? embedding.evaluate(reference, {}, Int32Array.of(0, 1, 2, 1000)).data : []),
  ]
  const [x, y] = [numbers(a), numbers(b)]
  return x.length === y.length && x.every((value, i) => value === y[i])
}
