// Letters: L tokens.
import { checkInteger, checkOneOf, checkPositive, type PositionStrategy, type Positions } from '@alibi/core'

export interface RotaryOptions {
  /** Leading features of a head that rotate; even, ≤ headDim. */
  readonly rotaryDim: number
  /** Default 10 000. */
  readonly base?: number
  /** Features that turn together: (i, i + rotaryDim/2) as in GPT-NeoX and Llama, or (2i, 2i + 1). Default `half`. */
  readonly pairing?: 'half' | 'interleaved'
}

/**
 * Queries and keys turned by position·base^(−2i/rotaryDim), so that their product depends on the distance (Su et al.,
 * RoFormer, 2021, eq. 15).
 *
 * @throws RangeError for an odd rotaryDim
 */
export function rotary({ rotaryDim, base = 10_000, pairing = 'half' }: RotaryOptions): PositionStrategy {
  checkInteger('rotary', 'rotaryDim', rotaryDim, 2)
  checkPositive('rotary', 'base', base)
  checkOneOf('rotary', 'pairing', pairing, ['half', 'interleaved'])
  if (rotaryDim % 2) throw new RangeError(`rotary: expected an even rotaryDim, got ${rotaryDim}`)
  const half = rotaryDim / 2
  const angles = (positions: Positions) =>
    Float64Array.from(
      { length: positions.length * half },
      (_, i) => positions[Math.floor(i / half)]! * base ** (-(i % half) / half),
    )
  return Object.freeze({
    specVersion: 1,
    name: 'rotary',
    rotation: Object.freeze({ rotaryDim, pairing, cacheable: true, angles }),
  })
}
