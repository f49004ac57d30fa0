/** How the next token is drawn from the logits. */
export interface SamplingOptions {
  /** Divides the logits; 0 takes the most likely token. Default 1. */
  readonly temperature?: number
  /** Keep only the k most likely tokens. Default all. */
  readonly topK?: number
  /** Keep the fewest tokens whose probabilities reach p (Holtzman et al., 2020). Default 1: all. */
  readonly topP?: number
}

/**
 * @param logits - one a token of the vocabulary
 * @param random - uniform in [0, 1)
 * @returns the id drawn
 * @throws RangeError for options outside their range
 */
export function sampleToken(logits: ArrayLike<number>, options: SamplingOptions, random: () => number): number {
  const { temperature = 1, topK = logits.length, topP = 1 } = options
  if (!(temperature >= 0)) throw new RangeError(`generate: expected temperature ≥ 0, got ${temperature}`)
  if (!(topK >= 1)) throw new RangeError(`generate: expected topK ≥ 1, got ${topK}`)
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`generate: expected topP in (0, 1], got ${topP}`)
  const order = Array.from(logits, (_, id) => id).sort((a, b) => logits[b]! - logits[a]!)
  if (temperature === 0) return order[0]!
  const kept = order.slice(0, topK)
  const weights = kept.map((id) => Math.exp((logits[id]! - logits[order[0]!]!) / temperature))
  const total = weights.reduce((a, b) => a + b, 0)

  let [nucleus, mass] = [0, 0]
  while (nucleus < kept.length && mass < topP * total) mass += weights[nucleus++]!
  let left = random() * mass
  for (let i = 0; i < nucleus; i++) {
    left -= weights[i]!
    if (left < 0) return kept[i]!
  }
  return kept[nucleus - 1]!
}
