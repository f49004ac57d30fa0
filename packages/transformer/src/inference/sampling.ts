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
 * Draws a token: the tokens from the most likely down share the range of `random`, of equal ones the first id first. Only as many
 * are put in order as are looked at.
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
  const best = mostLikely(logits)
  if (temperature === 0) return best
  const weightOf = (id: number) => Math.exp((logits[id]! - logits[best]!) / temperature)
  const idAt = inOrder(logits)

  const count = Math.min(topK, logits.length)
  let total = 0
  // The sum of all needs no order. It may round otherwise than in order: that is another token once in 10¹² draws or so.
  for (let i = 0; i < count; i++) total += weightOf(count < logits.length ? idAt(i) : i)
  let [nucleus, mass] = topP < 1 ? [0, 0] : [count, total]
  while (nucleus < count && mass < topP * total) mass += weightOf(idAt(nucleus++))

  let left = random() * mass
  let drawn = best
  for (let i = 0; i < nucleus; i++) {
    const weight = weightOf(idAt(i))
    if (!(weight > 0)) break
    drawn = idAt(i)
    left -= weight
    if (left < 0) break
  }
  return drawn
}

/**
 * The ids from the largest logit down, those of equal logits from the first on, as they are asked for: a heap gives them one by one.
 *
 * @returns the id of a rank; of one that was asked for before, or of the next
 */
function inOrder(logits: ArrayLike<number>): (rank: number) => number {
  const heap = Int32Array.from({ length: logits.length }, (_, id) => id)
  const known: number[] = []
  let size = heap.length
  const isBefore = (a: number, b: number) => logits[a]! > logits[b]! || (logits[a] === logits[b] && a < b)
  /** Moves an id down to where those below it come after it. */
  const sink = (id: number, from: number) => {
    let at = from
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, id)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = id
  }
  const build = () => {
    for (let at = (size >> 1) - 1; at >= 0; at--) sink(heap[at]!, at)
  }
  return (rank) => {
    if (!known.length) build()
    while (known.length <= rank) {
      known.push(heap[0]!)
      size -= 1
      sink(heap[size]!, 0)
    }
    return known[rank]!
  }
}

/** The first of the largest. */
function mostLikely(logits: ArrayLike<number>): number {
  let best = 0
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id
  return best
}
