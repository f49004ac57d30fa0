// Letters: d rotaryDim; i the pair, 0 … d/2 − 1; s the factor.
import { checkBoolean, checkInteger, checkOptions, checkPositive, fail } from '@alibi/core'
import { checkFactor, plainFrequencies, type RotaryScaling } from './scaling.js'
import type { YarnOptions } from './scaling-options.js'

// biome-ignore format: a table
const YARN_OPTIONS: readonly (keyof YarnOptions)[] = [
  'factor', 'originalMaxPositions', 'betaFast', 'betaSlow', 'attentionFactor', 'mscale', 'mscaleAllDim', 'truncate',
]

/**
 * YaRN: a ramp between plain and interpolated frequencies by how often a pair turns, and scores scaled by
 * (0.1·ln s + 1)² (Peng et al., 2023, eq. 19–23). The ramp runs over the pairs' indices, its ends rounded outwards, as
 * in the authors' code. The further options are those of Hugging Face's `_compute_yarn_parameters` (transformers 5.18).
 *
 * @throws RangeError or TypeError for a factor below 1, betaFast ≤ betaSlow, one of mscale and mscaleAllDim alone, or
 * numbers that are not finite and > 0
 */
export function yarnScaling(options: YarnOptions): RotaryScaling {
  checkOptions('yarnScaling', options, YARN_OPTIONS)
  const { factor, originalMaxPositions, betaFast = 32, betaSlow = 1, truncate = true } = options
  checkFactor('yarnScaling', factor)
  checkInteger('yarnScaling', 'originalMaxPositions', originalMaxPositions, 1)
  checkPositive('yarnScaling', 'betaSlow', betaSlow)
  checkPositive('yarnScaling', 'betaFast', betaFast)
  if (betaFast <= betaSlow)
    fail('yarnScaling', 'betaFast > betaSlow', `${betaFast} and ${betaSlow}; 32 and 1 are YaRN's`)
  checkBoolean('yarnScaling', 'truncate', truncate)
  const magnitude = yarnMagnitude(options)
  return Object.freeze({
    made: Object.freeze({
      kind: 'yarn',
      factor,
      originalMaxPositions,
      betaFast,
      betaSlow,
      truncate,
      attentionFactor: magnitude,
    }),
    magnitude,
    frequencies(rotaryDim: number, base: number) {
      /** The (fractional) pair that turns `turns` times over the train length. */
      const pairOf = (turns: number) =>
        (rotaryDim * Math.log(originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(base))
      const [floor, ceil] = truncate ? [Math.floor, Math.ceil] : [Number, Number]
      const low = Math.max(floor(pairOf(betaFast)), 0)
      const high = Math.min(ceil(pairOf(betaSlow)), rotaryDim - 1)
      // A ramp of no width would divide by 0.
      const width = high === low ? 0.001 : high - low
      return plainFrequencies(rotaryDim, base).map((frequency, i) => {
        const interpolated = Math.min(1, Math.max(0, (i - low) / width))
        return frequency * (1 - interpolated) + (frequency / factor) * interpolated
      })
    },
  })
}

/** The factor on queries and keys. */
function yarnMagnitude({ factor, attentionFactor, mscale, mscaleAllDim }: YarnOptions): number {
  const named = { attentionFactor, mscale, mscaleAllDim }
  for (const [name, value] of Object.entries(named)) if (value !== undefined) checkPositive('yarnScaling', name, value)
  if ((mscale === undefined) !== (mscaleAllDim === undefined))
    fail(
      'yarnScaling',
      'mscale and mscaleAllDim together',
      `${mscale} and ${mscaleAllDim}; one alone means nothing (transformers ignores it)`,
    )
  if (attentionFactor !== undefined) return attentionFactor
  const growth = (times: number) => 0.1 * times * Math.log(factor) + 1
  return mscale !== undefined && mscaleAllDim !== undefined ? growth(mscale) / growth(mscaleAllDim) : growth(1)
}
