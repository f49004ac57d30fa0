// Letters: R places of targets in a tail.
import type { Vocabulary } from './vocabulary.js'

/** Share of targets that one tail of an adaptive softmax seldom exceeds; where it does, it has room for all. */
const USUAL_TAIL = 1 / 8

/**
 * Where the targets of each tail are in parts of one length. R takes one of two values, because every shape is compiled
 * separately.
 *
 * @returns for each tail, a list of [R] for each part, padded at the end with the part's length
 */
export function paddedTailPlaces(vocabulary: Vocabulary, parts: readonly Int32Array[]): Int32Array[][] {
  const places = parts.map((part) => vocabulary.tailPlaces(part))
  const size = parts[0]!.length
  const usual = Math.ceil(size * USUAL_TAIL)
  return places[0]!.map((_, tail) => {
    const room = places.every((of) => of[tail]!.length <= usual) ? usual : size
    return places.map((of) => Int32Array.from({ length: room }, (_, i) => of[tail]![i] ?? size))
  })
}
