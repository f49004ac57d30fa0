// Letters: d rotaryDim; i the pair, 0 … d/2 − 1.
import { checkOptions, checkPositive, fail } from '@alibi/core'
import { checkFactor, plainFrequencies, type RotaryScaling } from './scaling.js'
import type { ProportionalOptions } from './scaling-options.js'

/**
 * p-RoPE: the slowest pairs do not turn at all, and so carry content alone (Barbero et al., ICLR 2025, §5; Hugging Face's
 * `rope_type: proportional`). Unlike a smaller rotaryDim, the pairs that turn keep the frequencies of the whole head.
 *
 * @throws RangeError or TypeError for a proportion outside (0, 1], or a factor below 1
 */
export function proportionalScaling(options: ProportionalOptions): RotaryScaling {
  checkOptions('proportionalScaling', options, ['proportion', 'factor'])
  const { proportion, factor = 1 } = options
  checkPositive('proportionalScaling', 'proportion', proportion)
  if (proportion > 1) fail('proportionalScaling', 'a proportion ≤ 1', proportion)
  checkFactor('proportionalScaling', factor)
  return Object.freeze({
    made: Object.freeze({ kind: 'proportional', proportion, factor }),
    frequencies: (rotaryDim: number, base: number) =>
      plainFrequencies(rotaryDim, base).map((frequency, i) =>
        i < Math.floor((proportion * rotaryDim) / 2) ? frequency / factor : 0,
      ),
  })
}
