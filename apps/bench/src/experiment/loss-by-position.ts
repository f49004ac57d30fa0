import type { PositionsLine } from '@alibi/results'
import type { Evaluation } from '@alibi/transformer'

/** The first places, one bin each: the early-token curse is steepest there. */
const SINGLE = 16

/**
 * Where bins of places begin and end: every place up to 16; then each bin a quarter longer in all, up to the train length;
 * past it the same again (some strategies break within tens of tokens), up to two train lengths; then one bin a train length.
 *
 * @returns from 0 to evalLength, ascending
 */
export function binEdges(trainLength: number, evalLength: number): number[] {
  const edges = new Set([evalLength])
  for (const start of [0, trainLength])
    for (let at = 0; at < trainLength; at = at < SINGLE && start === 0 ? at + 1 : Math.max(at + SINGLE, at * 1.25))
      edges.add(start + Math.floor(at))
  for (let at = 2 * trainLength; at < evalLength; at += trainLength) edges.add(at)
  return [...edges].filter((edge) => edge <= evalLength).sort((a, b) => a - b)
}

/** Loss by place in the sequence, in bins; those without tokens are left out. */
export function placeBins({ lossNats, tokens }: Evaluation['byPlace'], trainLength: number): PositionsLine['bins'] {
  const edges = binEdges(trainLength, tokens.length)
  const sum = (values: Float64Array, from: number, to: number) =>
    values.subarray(from, to).reduce((total, value) => total + value, 0)
  return edges.slice(1).flatMap((to, i) => {
    const from = edges[i]!
    const count = sum(tokens, from, to)
    return count ? [{ from, to, tokens: count, lossNats: sum(lossNats, from, to) / count }] : []
  })
}
