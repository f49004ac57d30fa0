// Letters: d rotaryDim; i the pair, 0 … d/2 − 1.
import { checkBoolean, checkInteger, checkPositive } from '@alibi/core'

/** How a rotation is stretched to read further than it was trained to. */
export interface RotaryScaling {
  /** @returns the frequency of each pair, in radians a token; [d/2] */
  frequencies(rotaryDim: number, base: number): number[]
  /** Factor on rotated queries and keys alike: its square scales the scores. Default 1. */
  readonly magnitude?: number
}

/** What {@link linearScaling} and {@link ntkScaling} take. */
export interface ScalingOptions {
  /** s, how many times longer: evalLength / trainLength; ≥ 1. */
  readonly factor: number
}

/** base^(−2i/d) of each pair (RoFormer, §3.2.2). */
export const plainFrequencies = (rotaryDim: number, base: number): number[] =>
  Array.from({ length: rotaryDim / 2 }, (_, i) => base ** ((-2 * i) / rotaryDim))

function checkFactor(where: string, factor: number): void {
  checkPositive(where, 'factor', factor)
  if (factor < 1) throw new RangeError(`${where}: expected a factor ≥ 1, got ${factor}; pass evalLength / trainLength`)
}

/**
 * Position interpolation: every frequency divided by s (Chen et al., 2023).
 *
 * @throws RangeError for a factor below 1
 */
export function linearScaling({ factor }: ScalingOptions): RotaryScaling {
  checkFactor('linearScaling', factor)
  return Object.freeze({
    frequencies: (rotaryDim: number, base: number) => plainFrequencies(rotaryDim, base).map((f) => f / factor),
  })
}

/**
 * A larger base, s^(d/(d−2)) times: high frequencies stay, the lowest is divided by s ("NTK-aware", bloc97, 2023).
 *
 * "Dynamic" NTK chooses s anew for every length L beyond the train length L₀, so its keys cannot be cached after rotation.
 * There are two definitions: s = L/L₀ (YaRN, §3.4), and s = α·L/L₀ − (α − 1) with a fixed factor α (Hugging Face's
 * `rope_type: dynamic`), which are the same for α = 1. Pass the s of the length that you want.
 *
 * @throws RangeError for a factor below 1
 */
export function ntkScaling({ factor }: ScalingOptions): RotaryScaling {
  checkFactor('ntkScaling', factor)
  return Object.freeze({
    frequencies: (rotaryDim: number, base: number) =>
      // One pair alone has frequency 1 whatever the base.
      plainFrequencies(rotaryDim, rotaryDim > 2 ? base * factor ** (rotaryDim / (rotaryDim - 2)) : base),
  })
}

/** What {@link yarnScaling} takes. */
export interface YarnOptions extends ScalingOptions {
  /** The train length that the frequencies belong to. */
  readonly originalMaxPositions: number
  /** Pairs that turn more often than this over the train length stay. Default 32. */
  readonly betaFast?: number
  /** Pairs that turn less often than this are interpolated. Default 1. */
  readonly betaSlow?: number
  /** The magnitude itself, > 0; it wins over mscale. 1 leaves the scores as they are. Default from s and mscale. */
  readonly attentionFactor?: number
  /**
   * With {@link mscaleAllDim}, the magnitude is (0.1·mscale·ln s + 1) / (0.1·mscaleAllDim·ln s + 1), as in DeepSeek's
   * models; both > 0, or neither. Default neither: 0.1·ln s + 1.
   */
  readonly mscale?: number
  /** See {@link mscale}. */
  readonly mscaleAllDim?: number
  /** Round the ends of the ramp outwards to whole pairs. Default true; gpt-oss has false. */
  readonly truncate?: boolean
}

/**
 * YaRN: a ramp between plain and interpolated frequencies by how often a pair turns, and scores scaled by
 * (0.1·ln s + 1)² (Peng et al., 2023, eq. 19–23). The ramp runs over the pairs' indices, its ends rounded outwards, as
 * in the authors' code. The further options are those of Hugging Face's `_compute_yarn_parameters` (transformers 5.18).
 *
 * @throws RangeError or TypeError for a factor below 1, betaFast ≤ betaSlow, one of mscale and mscaleAllDim alone, or
 * numbers that are not finite and > 0
 */
export function yarnScaling(options: YarnOptions): RotaryScaling {
  const { factor, originalMaxPositions, betaFast = 32, betaSlow = 1, truncate = true } = options
  checkFactor('yarnScaling', factor)
  checkInteger('yarnScaling', 'originalMaxPositions', originalMaxPositions, 1)
  checkPositive('yarnScaling', 'betaSlow', betaSlow)
  checkPositive('yarnScaling', 'betaFast', betaFast)
  if (betaFast <= betaSlow)
    throw new RangeError(
      `yarnScaling: expected betaFast > betaSlow, got ${betaFast} and ${betaSlow}; 32 and 1 are YaRN's`,
    )
  checkBoolean('yarnScaling', 'truncate', truncate)
  return Object.freeze({
    magnitude: yarnMagnitude(options),
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
    throw new RangeError(
      `yarnScaling: expected mscale and mscaleAllDim together, got ${mscale} and ${mscaleAllDim}; one alone means nothing (transformers ignores it)`,
    )
  if (attentionFactor !== undefined) return attentionFactor
  const growth = (times: number) => 0.1 * times * Math.log(factor) + 1
  return mscale !== undefined && mscaleAllDim !== undefined ? growth(mscale) / growth(mscaleAllDim) : growth(1)
}

/** What {@link llama3Scaling} takes. */
export interface Llama3Options extends ScalingOptions {
  /** The train length that the frequencies belong to. Default 8192. */
  readonly originalMaxPositions?: number
  /** Wavelengths above originalMaxPositions / this are interpolated. Default 1. */
  readonly lowFrequencyFactor?: number
  /** Wavelengths below originalMaxPositions / this stay. Default 4. */
  readonly highFrequencyFactor?: number
}

/**
 * Llama 3.1's: long wavelengths interpolated, short ones kept, a linear blend between (Llama models, `apply_scaling`).
 *
 * @throws RangeError for a factor below 1, or highFrequencyFactor ≤ lowFrequencyFactor
 */
export function llama3Scaling(options: Llama3Options): RotaryScaling {
  const { factor, originalMaxPositions = 8192, lowFrequencyFactor = 1, highFrequencyFactor = 4 } = options
  checkFactor('llama3Scaling', factor)
  checkInteger('llama3Scaling', 'originalMaxPositions', originalMaxPositions, 1)
  checkPositive('llama3Scaling', 'lowFrequencyFactor', lowFrequencyFactor)
  checkPositive('llama3Scaling', 'highFrequencyFactor', highFrequencyFactor)
  if (highFrequencyFactor <= lowFrequencyFactor)
    throw new RangeError(
      `llama3Scaling: expected highFrequencyFactor > lowFrequencyFactor, got ${highFrequencyFactor} and ${lowFrequencyFactor}; 4 and 1 are Llama's`,
    )
  return Object.freeze({
    frequencies: (rotaryDim: number, base: number) =>
      plainFrequencies(rotaryDim, base).map((frequency) => {
        const turns = (originalMaxPositions * frequency) / (2 * Math.PI)
        const blend = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
        const kept = Math.min(1, Math.max(0, blend))
        return (frequency / factor) * (1 - kept) + frequency * kept
      }),
  })
}
