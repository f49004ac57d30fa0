// Letters: d rotaryDim; i the pair, 0 … d/2 − 1.
import { checkPositive, type PositionStrategy, type Positions } from '@alibi/core'
import { baseRotation, type RotaryOptions } from './rotary.js'

/** What {@link xPos} takes. */
export interface XPosOptions extends Omit<RotaryOptions, 'scaling'> {
  /** Tokens over which a pair decays by ζ. Default 512. */
  readonly scaleBase?: number
}

/** γ of the paper. */
const GAMMA = 0.4

/**
 * Rotary with products that decay with distance: queries × ζ^(p/scaleBase), keys × ζ^(−p/scaleBase), where
 * ζ = (2i/d + 0.4)/1.4 (Sun et al., "A Length-Extrapolatable Transformer", 2022, eq. 12 and algorithm 1).
 *
 * For causal attention: products with keys ahead would grow. The factors are of absolute positions, uncentred, so queries
 * and keys may come in any pieces; a centre would cancel in their products. They leave fp32 behind near
 * scaleBase·ln(10³⁸)/ln(3.5) ≈ 35 000 positions.
 *
 * @throws RangeError for an odd rotaryDim
 */
export function xPos(options: XPosOptions): PositionStrategy {
  const { scaleBase = 512 } = options
  checkPositive('xPos', 'scaleBase', scaleBase)
  const { frequencies, ...rotation } = baseRotation('xPos', options)
  const half = frequencies.length
  const zetas = frequencies.map((_, i) => (i / half + GAMMA) / (1 + GAMMA))

  function magnitudes(positions: Positions, side: 'query' | 'key'): Float64Array {
    const sign = side === 'query' ? 1 : -1
    return Float64Array.from(
      { length: positions.length * half },
      (_, i) => zetas[i % half]! ** ((sign * positions[Math.floor(i / half)]!) / scaleBase),
    )
  }
  return Object.freeze({ specVersion: 1, name: 'xpos', rotation: Object.freeze({ ...rotation, magnitudes }) })
}
