import { seededRandom } from '@alibi/core'

/**
 * Positions for randomized position encodings (Ruoss et al., ACL 2023, §3.1): `length` different ones out of 0 … range − 1, in
 * ascending order, every choice as likely. Knuth's selection sampling (The Art of Computer Programming, 3.4.2, algorithm S).
 *
 * @param draw - which draw it is: a training step, or a batch of an evaluation
 */
export function randomPositions(length: number, range: number, seed: number, draw: number): Int32Array {
  const random = seededRandom(Math.imul(seed + 1, 0x27d4eb2f) ^ Math.imul(draw + 1, 0x165667b1))
  const chosen = new Int32Array(length)
  for (let position = 0, taken = 0; taken < length; position++)
    if (random() * (range - position) < length - taken) chosen[taken++] = position
  return chosen
}
