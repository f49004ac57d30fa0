import { z } from 'zod'

/** What results and checkpoints remember of a strategy that the bench does not have itself. */
export const pluginSchema = z.object({
  /** A file's absolute path or a package's name, with `#export` if one was named. */
  from: z.string(),
  /** Hash of what it computed, for the model it was trained in. */
  fingerprint: z.string(),
})

export type Plugin = z.infer<typeof pluginSchema>
