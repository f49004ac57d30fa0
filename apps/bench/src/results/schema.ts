import { z } from 'zod'
import { runConfigSchema } from '../config.js'

/** Raised when a line's meaning changes; readers refuse what they do not know. */
export const SCHEMA_VERSION = 1

/** The first line: what was run, on what. */
const runLine = z.object({
  type: z.literal('run'),
  schemaVersion: z.literal(SCHEMA_VERSION),
  config: runConfigSchema,
  /** The first of config.seeds. */
  seed: z.number(),
  backend: z.string(),
  device: z.string(),
  /** Of Node, the platform, the backend's library and TensorFlow.js. */
  versions: z.record(z.string(), z.string()),
  /** Of the working tree, with `-dirty` if it had changes; null outside of one. */
  commit: z.string().nullable(),
})

/** Loss of a stretch of training. */
const trainLine = z.object({
  type: z.literal('train'),
  strategy: z.string(),
  seed: z.number(),
  /** Steps done. */
  step: z.number(),
  /** Mean nats a token over the steps since the line before. */
  lossNats: z.number(),
  tokensPerSecond: z.number(),
})

/** One held-out evaluation of a trained model. */
const evalLine = z.object({
  type: z.literal('eval'),
  strategy: z.string(),
  seed: z.number(),
  trainLength: z.number(),
  evalLength: z.number(),
  protocol: z.enum(['nonoverlapping', 'sliding', 'streaming']),
  /** Tokens between windows: evalLength when they do not overlap. */
  stride: z.number(),
  /** Tokens scored. */
  tokens: z.number(),
  lossNats: z.number(),
  perplexity: z.number(),
  bitsPerByte: z.number(),
  tokensPerSecond: z.number(),
  /** Most bytes that tensors held at once. */
  peakBytes: z.number(),
})

export const resultLine = z.discriminatedUnion('type', [runLine, trainLine, evalLine])

export type RunLine = z.infer<typeof runLine>
export type TrainLine = z.infer<typeof trainLine>
export type EvalLine = z.infer<typeof evalLine>
export type ResultLine = z.infer<typeof resultLine>
