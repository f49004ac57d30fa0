import type { ReferenceTensor } from '../reference.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { Axis, Suspect } from './expect.js'

/** The axis of heads. It has a name, and so a place in messages, where each head turns by its own angles. */
export const headAxis = ({ rotation }: PositionStrategy): Axis => [rotation?.numHeads === undefined ? '' : 'head']

/** Radians of a pair at a position; heads that turn alike have head 0. */
export type Angle = (position: number, pair: number, head: number) => number

/**
 * How angles come to differ from the known ones.
 *
 * @param angles - row-major [H, L, rotaryDim/2]
 * @param pairs - rotaryDim/2
 * @param table - what is compared, of angles at all positions
 */
export function knownAngleSuspects(
  angles: Float64Array,
  pairs: number,
  positions: Positions,
  known: Angle,
  table: (angle: Angle) => number[],
): Suspect[] {
  const L = positions.length
  const suspect = (mistake: string, angle: Angle): Suspect => ({ mistake, values: () => table(angle) })
  return [
    suspect('it turns the other way: the sign of the angle', (p, i, head) => -known(p, i, head)),
    suspect('off by one: the first position is 0, not 1', (p, i, head) => known(p + 1, i, head)),
    suspect('the pairs are in reverse order: the first turns fastest', (p, i, head) => known(p, pairs - 1 - i, head)),
    suspect(
      'each pair turns at another rate: the base, or the dimension that divides its exponent (rotaryDim)',
      // The rate of each pair at the last position.
      (p, i, head) => (p / positions.at(-1)!) * angles[(head * L + L - 1) * pairs + i]!,
    ),
  ]
}

/**
 * Why products do not depend on the distance alone.
 *
 * @param blocks - the products of a strategy at the start and further on
 */
export function whyNotRelative(
  strategy: PositionStrategy,
  want: ReferenceTensor,
  got: ReferenceTensor,
  blocks: (strategy: PositionStrategy) => readonly [ReferenceTensor, ReferenceTensor],
): string {
  const apart = ([a, b]: readonly [ReferenceTensor, ReferenceTensor]) =>
    Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i]!)))
  const { magnitudes: _, ...rotation } = strategy.rotation!
  const withoutMagnitudes = { ...strategy, rotation: { ...rotation, angles: strategy.rotation!.angles } }
  if (strategy.rotation!.magnitudes && apart(blocks(withoutMagnitudes)) < 1e-9)
    return 'the magnitudes of a query and a key do not cancel: one is the inverse of the other (xPos)'
  return apart([want, got]) < 1e-3
    ? 'angles in fp32, coarse far away: compute them in float64'
    : 'angles that are no multiple of the position: only those depend on the distance alone; where that is meant, say relative: false'
}
