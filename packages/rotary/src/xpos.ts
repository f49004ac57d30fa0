// Letters: d rotaryDim; i the pair, 0 … d/2 − 1.
import { checkOptions, checkPositive, defineStrategy, fail, type Positions, type RotationStrategy } from '@alibi/core'
import { baseRotation, type RotaryOptions } from './rotary.js'

/** What {@link xPos} takes. */
export interface XPosOptions extends Omit<RotaryOptions, 'scaling'> {
  /** Tokens over which a pair decays by ζ. Default 512. */
  readonly scaleBase?: number
}

/** γ of the paper. */
const GAMMA = 0.4

/** Magnitudes go to 2^±this: a factor of 2^26 from both ends of fp32's normal numbers. */
const LARGEST_EXPONENT = 100

/**
 * Rotary with products that decay with distance: queries × ζ^(p/scaleBase), keys × ζ^(−p/scaleBase), where
 * ζ = (2i/d + 0.4)/1.4 (Sun et al., "A Length-Extrapolatable Transformer", 2022, eq. 12 and algorithm 1).
 *
 * For causal attention: products with keys ahead would grow. The factors depend on absolute positions, so that queries and
 * keys may come in any pieces and rotated keys may be cached. Between 2^−100 and 2^100 they leave fp32 room for the
 * features, so positions end at maxPositions = ⌊scaleBase·100·ln 2 / ln 3.5⌋, 28,328 for 512: beyond, products would lose
 * digits and then be 0·∞.
 *
 * @throws RangeError for an odd rotaryDim; its hooks, for positions from maxPositions on. TypeError for an unknown option
 */
export function xPos(options: XPosOptions): RotationStrategy & { readonly maxPositions: number } {
  checkOptions('xPos', options, ['rotaryDim', 'base', 'pairing', 'scaleBase'])
  const { scaleBase = 512 } = options
  checkPositive('xPos', 'scaleBase', scaleBase)
  const { frequencies, angles, ...rotation } = baseRotation('xPos', options)
  const half = frequencies.length
  const zetas = frequencies.map((_, i) => (i / half + GAMMA) / (1 + GAMMA))
  const maxPositions = Math.min(2 ** 31, Math.floor((scaleBase * LARGEST_EXPONENT * Math.LN2) / -Math.log(zetas[0]!)))
  if (maxPositions < 1) fail('xPos', 'a scaleBase of at least a token', scaleBase)

  function checkWithin(positions: Positions): void {
    const beyond = positions.find((p) => Math.abs(p) >= maxPositions)
    if (beyond !== undefined)
      fail(
        'xPos',
        `positions below ${maxPositions}`,
        `${beyond}; its factors leave fp32 there: evaluate shorter text, or use a scaleBase above ${scaleBase} from the start`,
      )
  }
  function magnitudes(positions: Positions, side: 'query' | 'key'): Float64Array {
    checkWithin(positions)
    const sign = side === 'query' ? 1 : -1
    return Float64Array.from(
      { length: positions.length * half },
      (_, i) => zetas[i % half]! ** ((sign * positions[Math.floor(i / half)]!) / scaleBase),
    )
  }
  return defineStrategy({
    name: 'xpos',
    maxPositions,
    rotation: {
      ...rotation,
      angles(positions: Positions) {
        checkWithin(positions)
        return angles(positions)
      },
      magnitudes,
    },
  })
}
