// Scalings that read how long the pass is. Letters: d rotaryDim; i the pair, 0 … d/2 − 1; L the length of the pass.
import { checkInteger, checkOptions, checkPositive, fail } from '@alibi/core'
import { checkFactor, ntkFrequencies, plainFrequencies, type RotaryScaling } from './scaling.js'
import type { DynamicNtkOptions, LongRopeOptions } from './scaling-options.js'

/**
 * NTK-aware scaling with an s for each length: a pass of L tokens beyond the train length L₀ has s = α·L/L₀ − (α − 1), as
 * Hugging Face's `rope_type: dynamic`; α = 1 is s = L/L₀.
 *
 * Every new token changes all angles: keys are rotated anew in each step.
 *
 * @throws RangeError or TypeError for a length below 1, or a factor below 1
 */
export function dynamicNtkScaling(options: DynamicNtkOptions): RotaryScaling {
  checkOptions('dynamicNtkScaling', options, ['originalMaxPositions', 'factor'])
  const { originalMaxPositions, factor = 1 } = options
  checkInteger('dynamicNtkScaling', 'originalMaxPositions', originalMaxPositions, 1)
  checkFactor('dynamicNtkScaling', factor)
  return Object.freeze({
    made: Object.freeze({ kind: 'dynamic', factor, originalMaxPositions }),
    readsLength: true,
    frequencies(rotaryDim: number, base: number, length = 0) {
      const longer = Math.max(1, length / originalMaxPositions)
      return ntkFrequencies(rotaryDim, base, factor * longer - (factor - 1))
    },
  })
}

// biome-ignore format: a table
const LONG_ROPE_OPTIONS: readonly (keyof LongRopeOptions)[] = [
  'shortFactors', 'longFactors', 'originalMaxPositions', 'factor', 'attentionFactor',
]

/**
 * LongRoPE: a factor for each pair, found by search, of which there are two sets: for passes within the train length and
 * beyond (Ding et al., ICML 2024, as Phi-3 and Hugging Face's `rope_type: longrope` have it). The magnitude is the same for both.
 *
 * The paper's first tokens, which are left unscaled, are no part of those models, nor of this.
 *
 * @throws RangeError or TypeError for factors that are not one number > 0 a pair, or a factor below 1
 */
export function longRopeScaling(options: LongRopeOptions): RotaryScaling {
  checkOptions('longRopeScaling', options, LONG_ROPE_OPTIONS)
  const { originalMaxPositions, factor } = options
  checkInteger('longRopeScaling', 'originalMaxPositions', originalMaxPositions, 2)
  checkFactor('longRopeScaling', factor)
  const [shortFactors, longFactors] = (['shortFactors', 'longFactors'] as const).map((name) => {
    const factors: readonly number[] = options[name]
    if (!Array.isArray(factors) || !factors.length)
      fail('longRopeScaling', `${name} in an array, one a pair`, factors, TypeError)
    for (const each of factors) checkPositive('longRopeScaling', name, each)
    return Object.freeze([...factors])
  }) as [readonly number[], readonly number[]]
  if (shortFactors.length !== longFactors.length)
    fail('longRopeScaling', 'as many shortFactors as longFactors', `${shortFactors.length} and ${longFactors.length}`)
  const magnitude = options.attentionFactor ?? Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositions))
  checkPositive('longRopeScaling', 'attentionFactor', magnitude)
  return Object.freeze({
    made: Object.freeze({
      kind: 'longrope',
      shortFactors,
      longFactors,
      originalMaxPositions,
      factor,
      attentionFactor: magnitude,
    }),
    magnitude,
    readsLength: true,
    frequencies(rotaryDim: number, base: number, length = 0) {
      const factors = length > originalMaxPositions ? longFactors : shortFactors
      if (factors.length !== rotaryDim / 2)
        fail('longRopeScaling', `${rotaryDim / 2} factors, one a pair of rotaryDim ${rotaryDim}`, factors.length)
      return plainFrequencies(rotaryDim, base).map((frequency, i) => frequency / factors[i]!)
    },
  })
}
