import { huggingFaceFamilies } from '@alibi/huggingface/families'
import { onlyKeysOf } from '@alibi/results'
import { z } from 'zod'
import { fromSchema } from './from.js'
import { pluginSchema } from './plugin.js'
import { variantSchema } from './variant.js'

/** As many as an array can have elements of. */
const count = z
  .int()
  .min(1)
  .max(2 ** 31 - 1)
/** Far beyond every model that there is, so that nothing is counted without end. */
const size = z
  .int()
  .min(1)
  .max(2 ** 20)
const rate = z.number().min(0).lt(1)
const distinct = <T>(values: readonly T[]) => new Set(values).size === values.length

const stage = { length: count, share: z.number().positive().max(1) }

const settings = {
  preset: z.enum(['quick', 'slopes', 'small', 'paper-small', 'paper-wt103', 'paper-1.3b']),
  strategies: z.array(z.string().min(1)).min(1).refine(distinct, { error: 'expected each strategy once' }),
  /** Where those that the bench does not have itself came from, by name. */
  plugins: z.record(z.string(), pluginSchema).optional(),
  /** Built-in strategies with options, by the names that they have here. */
  variants: z.record(z.string(), variantSchema).optional(),
  /** The model that training goes on from; absent: it starts from random weights. */
  from: fromSchema.optional(),
  /** A name from `data/sources.ts`, a file or folder, or `task:` and the name or file of a task. */
  data: z.string().min(1),
  /**
   * `words` are what is between spaces, as in WikiText; `prose` takes marks apart from words. `tokens` are those of a folder of
   * transformers that training goes on from, or of a tokenizer.json.
   */
  tokenizer: z.enum(['bytes', 'words', 'prose', 'tokens']),
  /** For tokens: the file that they are of. Absent: the model that training goes on from has them. */
  tokenizerFile: z
    .strictObject({
      path: z.string().min(1),
      /** SHA-256 of it, with the tokenizer_config.json beside it. */
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    })
    .optional(),
  /**
   * Whether documents are packed: one after another in rows, without attention from one to another, each with positions of its
   * own. They are records of JSON Lines or Parquet, or files of a folder. Absent: they are one text.
   */
  pack: z.boolean().optional(),
  /** For words: keeps at most this many, the most frequent ones of the training text. For tokens: how many there are. */
  vocabularySize: count,
  trainLength: count,
  /**
   * Lengths of training sequences one after another, each for a share of the steps; the longest is the train length. Every step
   * has as many tokens. Absent: the train length in all steps.
   */
  lengthSchedule: z
    .array(z.strictObject(stage, onlyKeysOf(stage)))
    .min(2)
    .optional(),
  evalLengths: z.array(count).refine(distinct, { error: 'expected each length once' }),
  /**
   * `eos`: read before the held-out text, so that all of its tokens are scored: the end of a line, as the paper's code. `bos`: the
   * first token of every row in training and of every window in evaluation.
   */
  firstToken: z.enum(['eos', 'bos', 'none']).default('none'),
  /** Held-out tokens scored at each length. */
  evalTokens: count,
  /** How held-out text is read; each at every length. */
  protocols: z
    .array(z.enum(['nonoverlapping', 'sliding', 'streaming']))
    .min(1)
    .refine(distinct, { error: 'expected each protocol once' })
    .default(['nonoverlapping']),
  /** Tokens that sliding and streaming windows advance by; absent: half of each length. */
  stride: count.optional(),
  /** Beyond the train length also evaluate with attention limited to the last trainLength keys. */
  windowedControl: z.boolean().default(false),
  /**
   * Draws the positions of each training step, and of each batch in evaluation, from 0 up to but not including it (Ruoss et al.,
   * 2023); absent: tokens are where they are.
   */
  randomPositions: count.optional(),
  /** Each is a run of its own: weights, batches and dropout follow from it. */
  seeds: z.array(z.int().min(0)).min(1).refine(distinct, { error: 'expected each seed once' }),
  /** Of training; 0 for a model that is only read otherwise than it was trained. */
  steps: z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
  /** Rows of trainLength tokens a step; of shorter ones in a length schedule there are as many more. */
  batchSize: count,
  /**
   * `anywhere`: rows begin anywhere in the text. `blocks`: fairseq's, the text cut once and shuffled anew in each epoch by
   * the seed, in fairseq's own order.
   */
  batches: z.enum(['anywhere', 'blocks']).default('anywhere'),
  /** For blocks: how many GPUs fairseq had. It shuffles each GPU's part of a batch as a whole. Divides batchSize. */
  devices: count.default(1),
  /** Parts of a batch that are computed one after another, in less memory; they divide batchSize. */
  microBatches: count.default(1),
  numLayers: size,
  modelDim: size,
  numHeads: size,
  activation: z.enum(['relu', 'gelu']),
  dropout: rate,
  /** The dropout of attention's weights; absent: as much as `dropout`. */
  attentionDropout: rate.optional(),
  /** The dropout of the MLP's hidden layer. */
  activationDropout: rate.default(0),
  finalNorm: z.boolean(),
  /** Where bands of rarer words begin that have fewer dimensions: adaptive input and softmax; absent: one table. */
  adaptiveCutoffs: z.array(count).optional(),
  /** The dropout of what enters an adaptive softmax, and of the projections to its tails. */
  tailDropout: rate.default(0),
  /** Where weights start. */
  initialization: z.enum(['gpt2', 'fairseq']).default('gpt2'),
  /** Activation, norms, MLP and biases of a family of Hugging Face transformers, so that it can be exported to it. */
  architecture: z.enum(huggingFaceFamilies).optional(),
  optimizer: z.enum(['adamw', 'sgd-nesterov']),
  learningRate: z.number().positive(),
  /** Where the warm-up begins, at step 0; absent: one step above 0. */
  initialLearningRate: z.number().min(0).optional(),
  /** Where the cosine ends. */
  minLearningRate: z.number().min(0).default(0),
  warmupSteps: z.int().min(0),
  weightDecay: z.number().min(0),
  clipNorm: z.number().positive(),
  /** Steps between checkpoints. */
  checkpointEvery: count,
}

/** Everything that decides a run's numbers but for the backend: flat, and written to its results. */
export const runConfigSchema = z.strictObject(settings, onlyKeysOf(settings))

export type RunConfig = z.infer<typeof runConfigSchema>
/** Settings that a preset has. Those with a default may be left out. */
export type Preset = Omit<z.input<typeof runConfigSchema>, 'preset'>
export type RunOptions = Partial<RunConfig>
