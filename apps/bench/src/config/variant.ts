import { z } from 'zod'

/** A built-in strategy with options. */
export const variantSchema = z.object({
  /** The built-in strategy. */
  use: z.string(),
  options: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
})
