import type { Contestant, Size } from './contestant.js'
import { ours } from './ours.js'
import { makeStart } from './start.js'

/**
 * What training short saves, as in the paper's table 1 and figure 2: ALiBi's step at L against the step of sinusoidal
 * positions at 2L, which it replaces, with as many tokens.
 */
export interface Saving {
  readonly short: Size
  readonly long: Size
}

const twice = (short: Size): Saving => {
  const length = 2 * short.length
  return { short, long: { ...short, name: `${length}`, batch: short.batch / 2, length } }
}

/** The model of the plans at their train lengths, and a wider one where attention counts. */
export const savings: readonly Saving[] = [
  twice({ name: '64', batch: 32, length: 64, layers: 4, dim: 128, heads: 4, vocabulary: 256, steps: 10 }),
  twice({ name: '512', batch: 8, length: 512, layers: 4, dim: 256, heads: 8, vocabulary: 256, steps: 2 }),
  twice({ name: '1024', batch: 4, length: 1024, layers: 4, dim: 256, heads: 8, vocabulary: 256, steps: 1 }),
]

/** Sinusoidal first, so that ratios are ALiBi's time over its time. Each is another model, so there is nothing to compare. */
export const contestantsOf = async ({ short, long }: Saving, log: (line: string) => void) =>
  [await trained(long, 'sinusoidal', log), await trained(short, 'alibi', log)] as const

async function trained(size: Size, strategy: string, log: (line: string) => void): Promise<Contestant> {
  const start = await makeStart(size)
  try {
    return { ...(await ours(start, strategy, log)), name: `${strategy} at ${size.length}`, answers: undefined }
  } finally {
    start.dispose()
  }
}
