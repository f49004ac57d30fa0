import { z } from 'zod'

/** Raised when a line's meaning changes; readers refuse a higher one. New fields and line types do not raise it. */
export const SCHEMA_VERSION = 1

const name = z.string().min(1)
/** An integer from 0. */
const whole = z.int().min(0)
const count = z.int().min(1)

/**
 * What was measured may be anything that a computation gives. JSON has no numbers that are not finite: they are written as
 * `"NaN"`, `"Infinity"` and `"-Infinity"`. Other writers make `null` of them.
 */
const measured = z.union(
  [z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number), z.null().transform(() => Number.NaN)],
  { error: 'a number, "NaN", "Infinity" or "-Infinity"' },
)
const amount = measured.refine((value) => !(value < 0), { error: 'a number of at least 0' })

const modelShape = { numLayers: count, modelDim: count, numHeads: count }

/** What rows and curves are made with. A run has settings besides, of which the reader need not know. */
const config = z.looseObject({
  /** The strategies' names, in the order of rows. */
  strategies: z.array(name).min(1),
  seeds: z.array(whole).min(1),
  trainLength: count,
  steps: whole.optional(),
  evalLengths: z.array(count).optional(),
  ...z.object(modelShape).partial().shape,
  architecture: name.optional(),
})

/** The first line: what was run, on what. */
export const runLine = z.object({
  type: z.literal('run'),
  schemaVersion: z.int().min(1).max(SCHEMA_VERSION),
  config,
  /** What a sweep varied beside `config`'s strategies and seeds: `config` is that of its first train length and size. */
  sweep: z
    .looseObject({
      /** Its file's name. */
      plan: z.string(),
      description: z.string().optional(),
      trainLengths: z.array(count).min(1),
      /** The tasks that its models were trained on, each on one; absent: a text. */
      tasks: z
        .array(
          z.looseObject({
            name,
            /** Its file or package; absent: a built-in one of that name. */
            from: name.optional(),
          }),
        )
        .min(1)
        .optional(),
      sizes: z.array(z.object(modelShape)).min(1),
      /** Cells beside its strategies × train lengths: what each has in place of `config`'s; null for what it lacks. */
      cells: z
        .array(z.looseObject({ strategies: z.array(name).min(1), trainLength: count }))
        .min(1)
        .optional(),
      /** Where batch sizes followed from train lengths. */
      tokensPerStep: count.optional(),
    })
    .optional(),
  /** The first of config.seeds. */
  seed: whole.optional(),
  /** What computed, e.g. `tensorflow`. */
  backend: z.string().default('unknown'),
  device: z.string().default('unknown'),
  /** The versions of Node, the platform, the backend's library and TensorFlow.js. */
  versions: z.record(z.string(), z.string()).default({}),
  /** The working tree's commit, with `-dirty` if it had changes; null outside of one. */
  commit: z.string().nullable().default(null),
})

/** What every line but the first is about: lines of one cell have the same four. */
const cell = {
  strategy: name,
  trainLength: count,
  seed: whole,
  /** The model's: `modelSize` of the run's config. */
  size: name,
  /** The name of the task that the model was trained on; absent: a text. */
  trainedOn: name.optional(),
}

/** Loss of a stretch of training. */
export const trainLine = z.object({
  type: z.literal('train'),
  ...cell,
  /** Steps done. */
  step: count,
  /** Mean nats a token over the steps since the line before. */
  lossNats: measured,
  tokensPerSecond: amount,
  /** Seconds in training steps since step 0, those before a resumption included; absent in older files. */
  elapsedSeconds: amount.optional(),
  /** Most bytes that the process had been resident in by then; absent in older files. */
  peakResidentBytes: amount.optional(),
})

/** How held-out text was read. */
const reading = {
  /** Tokens of a window. */
  evalLength: count,
  /** `nonoverlapping`, `sliding`, `streaming`, or one that is newer than this reader. */
  protocol: name,
  /** Tokens between windows: evalLength when they do not overlap. */
  stride: count,
  /** Keys, the last ones, that each query was limited to, its own included; absent: all before it. */
  attentionWindow: count.optional(),
}

/** One held-out evaluation of a trained model. */
export const evalLine = z.object({
  type: z.literal('eval'),
  ...cell,
  /** The strategy that the model was trained with, where `strategy` took its place; absent: `strategy` itself. */
  trainedWith: name.optional(),
  ...reading,
  /** How sliding windows lie: `full`, or at multiples of the stride as `fairseq`'s; absent in older files. */
  windows: name.optional(),
  /** Read before the text, so that all of its tokens are scored: `eos`, `bos` or `none`; absent in older files. */
  firstToken: name.optional(),
  /** How many documents were read, each by itself; absent: one text. */
  documents: count.optional(),
  /** Tokens scored. */
  tokens: count,
  lossNats: measured,
  perplexity: amount,
  bitsPerByte: measured.optional(),
  tokensPerSecond: amount.optional(),
  /** Most bytes that tensors held at once. */
  peakBytes: amount.optional(),
  /** The kernel of attention, e.g. `skipping`; of several layers that differ, each once, with a plus. Absent in older files. */
  attention: name.optional(),
})

/** The same evaluation, its loss by place in the sequence that was read. */
export const positionsLine = z.object({
  type: z.literal('positions'),
  ...cell,
  ...reading,
  /** In order, without holes between those that have tokens. */
  bins: z
    .array(
      z.object({
        /** Tokens that precede the predicted one in its sequence, less 1: 0 was predicted from one token. */
        from: whole,
        /** Past the last. */
        to: count,
        tokens: whole,
        /** Mean. */
        lossNats: measured,
      }),
    )
    .min(1),
})

/** How often a trained model found what it had read `distance` tokens before. */
export const retrievalLine = z.object({
  type: z.literal('retrieval'),
  /** `passkey`, `copy`, or one that is newer than this reader. */
  task: name,
  ...cell,
  /** Tokens of a whole trial. */
  evalLength: count,
  /** From what is to be found to where it is asked for, in tokens. */
  distance: whole,
  /** Trials whose every token was the model's first choice. */
  correct: whole,
  trials: count,
})

/** How well a model does a task at one length. */
export const taskLine = z.object({
  type: z.literal('task'),
  ...cell,
  /** The task's name, e.g. `addition`, `niah-single-1`. */
  task: name,
  /** The most tokens that a trial may have, its answer included. */
  evalLength: count,
  /** The trials' length as the task counts it; absent where that means nothing. */
  length: whole.optional(),
  /** What {@link length} counts, e.g. `digits`. */
  unit: name.optional(),
  /** `likelihood`: each token of an answer is the first choice; `generation`: what is generated contains it. */
  scoring: name,
  /** The mean over trials of the share of a trial's answers that are right: 0 to 1. */
  score: z.number().min(0).max(1),
  trials: count,
  /** The positions that the model was trained with, where `strategy` is in their place. */
  trainedWith: name.optional(),
  /** Mean −ln p a token of the answers. */
  lossNats: measured.optional(),
})

const interval = z.tuple([measured, measured])

/** How much a trained model's loss rises when it sees less of what came before. */
export const contextLine = z.object({
  type: z.literal('context'),
  ...cell,
  /** The positions that the model was trained with, where `strategy` is in their place. */
  trainedWith: name.optional(),
  /** Tokens of a whole window. */
  evalLength: count,
  /** Tokens scored at the end of each. */
  scored: count,
  windows: count,
  /** Read before each window: `eos`, `bos` or `none`. */
  firstToken: name.optional(),
  /** Mean −ln p a token with the whole window. */
  lossNats: measured,
  /** By tokens right before the scored ones that stay as they are, ascending. */
  kept: z
    .array(
      z.object({
        tokens: count,
        /** Mean −ln p a token where all before them is left out. */
        removedNats: measured,
        /** Where the mean rise of that over the whole window lies with 95 % confidence; absent for one window. */
        removedRise: interval.optional(),
        /** Mean −ln p a token where all before them is in another order. */
        shuffledNats: measured,
        shuffledRise: interval.optional(),
      }),
    )
    .min(1),
})

/** The first line: what was run, on what. */
export type RunLine = z.infer<typeof runLine>
/** Loss of a stretch of training. */
export type TrainLine = z.infer<typeof trainLine>
/** One held-out evaluation of a trained model. */
export type EvalLine = z.infer<typeof evalLine>
/** The same evaluation, its loss by position in the sequence. */
export type PositionsLine = z.infer<typeof positionsLine>
/** How often a trained model found what it had read. */
export type RetrievalLine = z.infer<typeof retrievalLine>
/** How well a model does a task at one length. */
export type TaskLine = z.infer<typeof taskLine>
/** How much a trained model's loss rises when it sees less of what came before. */
export type ContextLine = z.infer<typeof contextLine>
/** Any line that this version knows. */
export type ResultLine = RunLine | TrainLine | EvalLine | PositionsLine | RetrievalLine | TaskLine | ContextLine
/** A line of a type that is newer than this reader. */
export interface OtherLine {
  /** Its type; the other fields are kept. */
  readonly type: string
}

/** A line as JSON, without the end of the line; numbers that are not finite as strings. */
export function lineText(line: ResultLine | OtherLine): string {
  const text = JSON.stringify(line)
  // What JSON makes of them; files of a big sweep have hardly any.
  if (!text.includes('null')) return text
  return JSON.stringify(line, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? `${value}` : value))
}

/** A whole file. */
export const resultsText = (lines: readonly (ResultLine | OtherLine)[]): string =>
  lines.map((line) => `${lineText(line)}\n`).join('')
