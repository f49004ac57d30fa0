import { type AlibiOptions, alibiSlopes } from '@alibi/alibi'
import { seededRandom } from '@alibi/core'

/**
 * Ways to choose ALiBi's slopes, the paper's own open question (§3), by their names as strategies. The paper's geometric set
 * is `alibi` itself; the others change one thing about it.
 */
export const slopeSets: Readonly<Record<string, (numHeads: number) => Omit<AlibiOptions, 'numHeads'>>> = {
  /** Trained from the geometric set on. */
  'alibi-learned': () => ({ learned: true }),
  /** Two draws from the geometric set's range, even in their logarithms: the same whatever the seed of a cell. */
  'alibi-drawn-1': (numHeads) => ({ slopes: drawn(numHeads, 1) }),
  'alibi-drawn-2': (numHeads) => ({ slopes: drawn(numHeads, 2) }),
  /** The range shifted towards reading far, and towards reading near. */
  'alibi-gentle': () => ({ scale: 1 / 4 }),
  'alibi-steep': () => ({ scale: 4 }),
  /** Half the range around its middle, in logarithms. */
  'alibi-compressed': (numHeads) => ({ slopes: compressed(alibiSlopes(numHeads)) }),
  /** The geometric set of half the heads; the others are without positions. */
  'alibi-half': (numHeads) => ({ slopes: onHalf(numHeads) }),
}

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
