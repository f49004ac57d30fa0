import type { Model } from '@alibi/transformer'

/**
 * How many tokens a text may get: as many as asked for, or fewer where the model's positions end. The last one is not read again.
 *
 * @param promptTokens - of the longest prompt
 * @param tell - gets a line if there are fewer
 * @throws RangeError, one line, for a prompt without room for one more
 */
export function roomAfter(
  { strategy }: Model,
  promptTokens: number,
  asked: number,
  tell: (line: string) => void,
): number {
  const { maxPositions = Number.POSITIVE_INFINITY } = strategy
  const room = maxPositions - promptTokens + 1
  if (room < 1)
    throw new RangeError(
      `generate: expected a prompt of at most ${maxPositions} tokens, as the model has so many positions, got ${promptTokens}; take a shorter one`,
    )
  if (asked > room) tell(`at most ${room} tokens are added: the model's ${maxPositions} positions end there`)
  return Math.min(asked, room)
}
