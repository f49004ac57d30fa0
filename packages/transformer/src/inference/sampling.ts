import { checkInteger, fail } from '@alibi/core'

/** How the next token is drawn from the logits. */
export interface SamplingOptions {
  /** Divides the logits; 0 takes the most likely token. Default 1. */
  readonly temperature?: number
  /** Keep only the k most likely tokens. Default all. */
  readonly topK?: number
  /** Keep the fewest tokens whose probabilities reach p (Holtzman et al., 2020). Default 1: all. */
  readonly topP?: number
}

/** @throws RangeError or TypeError, one line, for options outside their range */
export function checkSampling(where: string, options: SamplingOptions): void {
  if (typeof options !== 'object' || options === null) fail(where, 'an object of options', options, TypeError)
  const { temperature = 1, topK = 1, topP = 1 } = options
  if (!(temperature >= 0 && temperature < Infinity)) fail(where, 'a finite temperature ≥ 0', temperature)
  checkInteger(where, 'topK', topK, 1)
  if (!(topP > 0 && topP <= 1)) fail(where, 'topP in (0, 1]', topP)
}

/**
 * Draws a token.
 *
 * @param logits - one a token of the vocabulary
 * @param random - uniform in [0, 1)
 * @returns the id drawn
 * @throws RangeError or TypeError for options outside their range, or no logits
 */
export function sampleToken(logits: ArrayLike<number>, options: SamplingOptions, random: () => number): number {
  if (!(logits?.length >= 1)) fail('sampleToken', 'logits, one a token of the vocabulary', logits, TypeError)
  if (typeof random !== 'function') fail('sampleToken', 'a function random', random, TypeError)
  checkSampling('sampleToken', options)
  const { temperature = 1, topK = logits.length, topP = 1 } = options
  if (temperature === 0) return mostLikely(logits)
  const order = Array.from(logits, (_, id) => id).sort((a, b) => logits[b]! - logits[a]!)
  const kept = order.slice(0, topK)
  const weights = kept.map((id) => Math.exp((logits[id]! - logits[order[0]!]!) / temperature))
  const total = weights.reduce((a, b) => a + b, 0)

  let nucleus = 0

  let mass = 0
  while (nucleus < kept.length && mass < topP * total) mass += weights[nucleus++]!
  let left = random() * mass
  for (let i = 0; i < nucleus; i++) {
    left -= weights[i]!
    if (left < 0) return kept[i]!
  }
  return kept[nucleus - 1]!
}

/** The first of the largest. */
function mostLikely(logits: ArrayLike<number>): number {
  let best = 0
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id
  return best
}
