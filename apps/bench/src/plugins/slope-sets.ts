import { type AlibiOptions, alibi, alibiSlopes } from '@alibi/alibi'
import { type PositionStrategy, seededRandom } from '@alibi/core'

/**
 * Ways to choose ALiBi's slopes, the paper's own open question (§3), by their names as strategies. The paper's geometric set
 * is `alibi` itself; the others change one thing about it.
 */
const slopeSets: Readonly<Record<string, (numHeads: number) => AlibiOptions>> = {
  /** Trained from the geometric set on. */
  'alibi-learned': (numHeads) => ({ numHeads, learned: true }),
  /** Two draws from the geometric set's range, even in their logarithms: the same whatever the seed of a cell. */
  'alibi-drawn-1': (numHeads) => ({ numHeads, slopes: drawn(numHeads, 1) }),
  'alibi-drawn-2': (numHeads) => ({ numHeads, slopes: drawn(numHeads, 2) }),
  /** The range shifted towards reading far, and towards reading near. */
  'alibi-gentle': (numHeads) => ({ numHeads, scale: 1 / 4 }),
  'alibi-steep': (numHeads) => ({ numHeads, scale: 4 }),
  /** Half the range around its middle, in logarithms. */
  'alibi-compressed': (numHeads) => ({ numHeads, slopes: compressed(alibiSlopes(numHeads)) }),
  /** The geometric set of half the heads; the others are without positions. */
  'alibi-half': (numHeads) => ({ numHeads, slopes: onHalf(numHeads) }),
}

/** The same as strategies that carry their sets' names. */
export const slopeStrategies: Readonly<Record<string, (context: { numHeads: number }) => PositionStrategy>> =
  Object.fromEntries(
    Object.entries(slopeSets).map(([name, options]) => [
      name,
      ({ numHeads }) => Object.freeze({ ...alibi(options(numHeads)), name }),
    ]),
  )

function drawn(numHeads: number, seed: number): number[] {
  const random = seededRandom(seed)
  const exponents = alibiSlopes(numHeads).map(Math.log2)
  const [low, high] = [Math.min(...exponents), Math.max(...exponents)]
  return Array.from({ length: numHeads }, () => 2 ** (low + (high - low) * random())).sort((a, b) => b - a)
}

function compressed(slopes: readonly number[]): number[] {
  const exponents = slopes.map(Math.log2)
  const middle = (Math.min(...exponents) + Math.max(...exponents)) / 2
  return exponents.map((exponent) => 2 ** ((exponent + middle) / 2))
}

function onHalf(numHeads: number): number[] {
  const biased = Math.ceil(numHeads / 2)
  return [...alibiSlopes(biased), ...new Array<number>(numHeads - biased).fill(0)]
}
