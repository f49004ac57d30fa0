import { z } from 'zod'
import { runConfigSchema } from '../config/schema.js'

/** Raised when a line's meaning changes; readers refuse what they do not know. New fields and line types do not raise it. */
export const SCHEMA_VERSION = 1

const count = z.int().min(0)

/** The first line: what was run, on what. */
const runLine = z.object({
  type: z.literal('run'),
  schemaVersion: z.literal(SCHEMA_VERSION),
  config: runConfigSchema,
  /** What a sweep varied beside `config`'s strategies and seeds: `config` is that of its first train length and size. */
  sweep: z
    .object({
      /** Its file's name. */
      plan: z.string(),
      description: z.string().optional(),
      trainLengths: z.array(count),
      sizes: z.array(z.object({ numLayers: count, modelDim: count, numHeads: count })),
      /** Where batch sizes followed from train lengths. */
      tokensPerStep: count.optional(),
    })
    .optional(),
  /** The first of config.seeds. */
  seed: z.number(),
  backend: z.string(),
  device: z.string(),
  /** Of Node, the platform, the backend's library and TensorFlow.js. */
  versions: z.record(z.string(), z.string()),
  /** Of the working tree, with `-dirty` if it had changes; null outside of one. */
  commit: z.string().nullable(),
})

/** What every line but the first is about: lines of one cell have the same four. */
const cell = {
  strategy: z.string(),
  trainLength: z.number(),
  seed: z.number(),
  /** The model's: {@link modelSize} of the run's config. */
  size: z.string(),
}

/** Loss of a stretch of training. */
const trainLine = z.object({
  type: z.literal('train'),
  ...cell,
  /** Steps done. */
  step: z.number(),
  /** Mean nats a token over the steps since the line before. */
  lossNats: z.number(),
  tokensPerSecond: z.number(),
  /** Seconds in training steps since step 0, those before a resumption included; absent in older files. */
  elapsedSeconds: z.number().optional(),
  /** Most bytes that the process had been resident in by then; absent in older files. */
  peakResidentBytes: z.number().optional(),
})

/** How held-out text was read. */
const reading = {
  evalLength: z.number(),
  protocol: z.enum(['nonoverlapping', 'sliding', 'streaming']),
  /** Tokens between windows: evalLength when they do not overlap. */
  stride: z.number(),
  /** Keys, the last ones, that each query was limited to, its own included; absent: all before it. */
  attentionWindow: z.number().optional(),
}

/** One held-out evaluation of a trained model. */
const evalLine = z.object({
  type: z.literal('eval'),
  ...cell,
  ...reading,
  /** Tokens scored. */
  tokens: z.number(),
  lossNats: z.number(),
  perplexity: z.number(),
  bitsPerByte: z.number(),
  tokensPerSecond: z.number(),
  /** Most bytes that tensors held at once. */
  peakBytes: z.number(),
})

/** The same evaluation, its loss by place in the sequence that was read. */
const positionsLine = z.object({
  type: z.literal('positions'),
  ...cell,
  ...reading,
  /** In order, without holes between those that have tokens. */
  bins: z.array(
    z.object({
      /** Tokens that precede the predicted one in its sequence, less 1: 0 was predicted from one token. */
      from: count,
      /** Past the last. */
      to: count,
      tokens: count,
      /** Mean. */
      lossNats: z.number(),
    }),
  ),
})

/** How often a trained model found what it had read `distance` tokens before. */
const retrievalLine = z.object({
  type: z.literal('retrieval'),
  task: z.enum(['passkey', 'copy']),
  ...cell,
  /** Tokens of a whole trial. */
  evalLength: z.number(),
  /** From what is to be found to where it is asked for, in tokens. */
  distance: count,
  /** Trials whose every token was the model's first choice. */
  correct: count,
  trials: count,
})

export const resultLine = z.discriminatedUnion('type', [runLine, trainLine, evalLine, positionsLine, retrievalLine])

export type RunLine = z.infer<typeof runLine>
export type TrainLine = z.infer<typeof trainLine>
export type EvalLine = z.infer<typeof evalLine>
export type PositionsLine = z.infer<typeof positionsLine>
export type RetrievalLine = z.infer<typeof retrievalLine>
export type ResultLine = z.infer<typeof resultLine>

/** What identifies a trained model among the lines of any number of runs. */
export type CellKey = Pick<TrainLine, 'strategy' | 'trainLength' | 'seed' | 'size'>
