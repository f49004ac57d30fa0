import { z } from 'zod'
import { pluginSchema } from './plugin.js'
import { variantSchema } from './variant.js'

const count = z.int().min(1)

/**
 * How the positions of a model are made again, without the files that they came from: results and checkpoints keep it.
 */
export type Origin =
  | {
      /** The config.json of a folder of Hugging Face transformers. */
      readonly transformers: Readonly<Record<string, unknown>>
    }
  | {
      /** A scaling of rotary positions, in place of the one that they had. */
      readonly scaling: z.infer<typeof scalingSchema>
      /** The train length that their frequencies belong to. */
      readonly trainLength: number
      readonly of: Origin
    }
  | {
      /** A strategy by its name. */
      readonly strategy: string
      /** That it was made for. */
      readonly trainLength: number
      readonly variant?: z.infer<typeof variantSchema> | undefined
      readonly plugin?: z.infer<typeof pluginSchema> | undefined
      /** The positions that it took the place of, whose windows stayed. */
      readonly windowsOf?: Origin | undefined
    }

/** As `@alibi/strategies` takes it. */
const scalingSchema = variantSchema

export const originSchema: z.ZodType<Origin> = z.lazy(() =>
  z.union([
    z.strictObject({ transformers: z.record(z.string(), z.unknown()) }),
    z.strictObject({ scaling: scalingSchema, trainLength: count, of: originSchema }),
    z.strictObject({
      strategy: z.string().min(1),
      trainLength: count,
      variant: variantSchema.optional(),
      plugin: pluginSchema.optional(),
      windowsOf: originSchema.optional(),
    }),
  ]),
)

/** The model that a run goes on from. */
export const fromSchema = z.strictObject({
  /** A folder of Hugging Face transformers, a checkpoint of the bench, or a file of fairseq. */
  path: z.string().min(1),
  /** SHA-256 of its weights; of several files, of their names and hashes. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The name of the positions that it was trained with. */
  trainedWith: z.string().min(1),
  /** What was asked for in their place; absent: they stay. */
  positions: z.string().min(1).optional(),
  /** Where the words are, of a file of fairseq, if somebody said it; absent: beside it. */
  vocabulary: z.string().min(1).optional(),
  /** How the positions are made. */
  origin: originSchema,
  /** The model's sizes and choices, all but what is dropped in training. */
  model: z.record(z.string(), z.unknown()),
  /** Updates of the optimizer's state, where it came with the weights; absent: the optimizer starts anew. */
  optimizerSteps: z.int().min(0).optional(),
})

export type From = z.infer<typeof fromSchema>

/** Settings that a model has decided when it was made: a run that goes on from it has no others. */
export const settingsOfModels = [
  ...(['numLayers', 'modelDim', 'numHeads', 'activation', 'architecture', 'finalNorm', 'adaptiveCutoffs'] as const),
  ...(['initialization', 'tokenizer', 'vocabularySize', 'tokenizerFile'] as const),
] as const

/**
 * How a model is trained on where nobody says otherwise, as position interpolation and YaRN do (Chen et al., 2023, §3.1; Peng et
 * al., 2023, §4.1): 20 steps of warm-up, no weight decay; at a tenth of the rate that it was trained with.
 *
 * @param learningRate - that it was trained with
 */
export const continuedTraining = (learningRate: number) => ({
  // As it is written: 0.003 / 10 is 0.00030000000000000003.
  learningRate: Number((learningRate / 10).toPrecision(12)),
  warmupSteps: 20,
  weightDecay: 0,
})
