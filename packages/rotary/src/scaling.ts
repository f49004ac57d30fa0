// Letters: d rotaryDim; i the pair, 0 … d/2 − 1.
import { checkInteger, checkOptions, checkPositive, fail } from '@alibi/core'
import type { Llama3Options, MadeScaling, ScalingOptions } from './scaling-options.js'

/** How a rotation is stretched to read further than it was trained to. */
export interface RotaryScaling {
  /**
   * @param length - of the pass, its last position + 1, for scalings that read it. Absent: one that needs no stretching
   * @returns the frequency of each pair, in radians a token; [d/2]
   */
  frequencies(rotaryDim: number, base: number, length?: number): number[]
  /** Whether the frequencies change with the length, so that rotated keys cannot be kept in a cache. Default false. */
  readonly readsLength?: boolean
  /** Factor on rotated queries and keys alike: its square scales the scores. Default 1. */
  readonly magnitude?: number
  /** Which of this package's scalings it is and what it was made with, for whoever writes it to a file. Absent: another one. */
  readonly made?: MadeScaling
}

/** base^(−2i/d) of each pair (RoFormer, §3.2.2). */
export const plainFrequencies = (rotaryDim: number, base: number): number[] =>
  Array.from({ length: rotaryDim / 2 }, (_, i) => base ** ((-2 * i) / rotaryDim))

/** @throws RangeError or TypeError unless `factor` is ≥ 1 */
export function checkFactor(where: string, factor: number): void {
  checkPositive(where, 'factor', factor)
  if (factor < 1) fail(where, 'a factor ≥ 1', `${factor}; pass evalLength / trainLength`)
}

/**
 * Position interpolation: every frequency divided by s (Chen et al., 2023).
 *
 * @throws RangeError for a factor below 1
 */
export function linearScaling(options: ScalingOptions): RotaryScaling {
  checkOptions('linearScaling', options, ['factor'])
  const { factor } = options
  checkFactor('linearScaling', factor)
  return Object.freeze({
    made: Object.freeze({ kind: 'linear', factor }),
    frequencies: (rotaryDim: number, base: number) => plainFrequencies(rotaryDim, base).map((f) => f / factor),
  })
}

/** The frequencies of a base s^(d/(d−2)) times as large. A single pair has frequency 1 whatever the base. */
export const ntkFrequencies = (rotaryDim: number, base: number, factor: number): number[] =>
  plainFrequencies(rotaryDim, rotaryDim > 2 ? base * factor ** (rotaryDim / (rotaryDim - 2)) : base)

/**
 * A larger base, s^(d/(d−2)) times: high frequencies stay, the lowest is divided by s ("NTK-aware", bloc97, 2023).
 *
 * Dynamic NTK, which chooses s anew for every length, is `dynamicNtkScaling`.
 *
 * @throws RangeError for a factor below 1
 */
export function ntkScaling(options: ScalingOptions): RotaryScaling {
  checkOptions('ntkScaling', options, ['factor'])
  const { factor } = options
  checkFactor('ntkScaling', factor)
  return Object.freeze({
    made: Object.freeze({ kind: 'ntk', factor }),
    frequencies: (rotaryDim: number, base: number) => ntkFrequencies(rotaryDim, base, factor),
  })
}

// biome-ignore format: a table
const LLAMA3_OPTIONS: readonly (keyof Llama3Options)[] = [
  'factor', 'originalMaxPositions', 'lowFrequencyFactor', 'highFrequencyFactor',
]

/**
 * Llama 3.1's: long wavelengths interpolated, short ones kept, a linear blend between (Llama models, `apply_scaling`).
 *
 * @throws RangeError for a factor below 1, or highFrequencyFactor ≤ lowFrequencyFactor
 */
export function llama3Scaling(options: Llama3Options): RotaryScaling {
  checkOptions('llama3Scaling', options, LLAMA3_OPTIONS)
  const { factor, originalMaxPositions = 8192, lowFrequencyFactor = 1, highFrequencyFactor = 4 } = options
  checkFactor('llama3Scaling', factor)
  checkInteger('llama3Scaling', 'originalMaxPositions', originalMaxPositions, 1)
  checkPositive('llama3Scaling', 'lowFrequencyFactor', lowFrequencyFactor)
  checkPositive('llama3Scaling', 'highFrequencyFactor', highFrequencyFactor)
  if (highFrequencyFactor <= lowFrequencyFactor)
    fail(
      'llama3Scaling',
      'highFrequencyFactor > lowFrequencyFactor',
      `${highFrequencyFactor} and ${lowFrequencyFactor}; 4 and 1 are Llama's`,
    )
  return Object.freeze({
    made: Object.freeze({ kind: 'llama3', factor, originalMaxPositions, lowFrequencyFactor, highFrequencyFactor }),
    frequencies: (rotaryDim: number, base: number) =>
      plainFrequencies(rotaryDim, base).map((frequency) => {
        const turns = (originalMaxPositions * frequency) / (2 * Math.PI)
        const blend = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
        const kept = Math.min(1, Math.max(0, blend))
        return (frequency / factor) * (1 - kept) + frequency * kept
      }),
  })
}
