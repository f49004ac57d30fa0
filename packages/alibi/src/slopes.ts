import { checkInteger, checkPositive } from '@alibi/core'

/**
 * One slope a head, in the authors' order: 2^(−maxBias·k/n) for k = 1 … n when n is a power of two; otherwise the slopes
 * of the power of two below, then every other slope of the power of two above (ALiBi §3 and the authors' `get_slopes`).
 *
 * @param maxBias - exponent of the gentlest slope, 2^−maxBias. Default 8
 * @returns [numHeads]
 * @throws RangeError or TypeError for a head count below 1, or a maxBias that is not finite and > 0
 */
export function alibiSlopes(numHeads: number, maxBias = 8): number[] {
  checkInteger('alibiSlopes', 'numHeads', numHeads, 1)
  checkPositive('alibiSlopes', 'maxBias', maxBias)
  const geometric = (n: number) => Array.from({ length: n }, (_, k) => 2 ** ((-maxBias * (k + 1)) / n))
  const below = 2 ** Math.floor(Math.log2(numHeads))
  const between = geometric(2 * below).filter((_, k) => k % 2 === 0)
  return [...geometric(below), ...between.slice(0, numHeads - below)]
}
