import type { ResultsFile, RunLine } from '@alibi/results'
import { z } from 'zod'
import { type RunConfig, runConfigSchema } from './schema.js'

const { protocols, preset, ...settings } = runConfigSchema.shape
const known: readonly string[] = protocols.unwrap().element.options

/** A newer bench has settings, presets and protocols that this one does not know. */
const tolerant = z.object({
  ...settings,
  // What a preset is called decides nothing.
  preset: z.string().transform((name) => name as RunConfig['preset']),
  protocols: z
    .array(z.string())
    .default(['nonoverlapping'])
    .transform((names) => names.filter((name) => known.includes(name)) as RunConfig['protocols']),
})

/** The settings of results as far as they are known here; undefined for those of another program. */
export const savedConfig = ({ config }: RunLine): RunConfig | undefined => tolerant.safeParse(config).data

/** Settings that this bench does not have. */
export const unknownSettings = ({ config }: RunLine): string[] =>
  Object.keys(config).filter((name) => !(name in runConfigSchema.shape))

/** What strategies are made for; undefined where results do not say it. */
export const savedModel = ({ config: { numHeads, modelDim, trainLength, variants } }: RunLine) =>
  numHeads && modelDim
    ? { numHeads, modelDim, trainLength, variants: runConfigSchema.shape.variants.safeParse(variants).data }
    : undefined

/** What a reader of results should know of them: sentences. */
export function notesOf({ notes, run }: ResultsFile): string[] {
  const strange = unknownSettings(run)
  return [...notes, ...(strange.length ? [`settings that are not known to this version: ${strange.join(', ')}`] : [])]
}
