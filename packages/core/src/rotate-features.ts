// Letters: L tokens.
import { checkInteger, checkOptions, fail } from './check.js'
import { checkStrategy } from './check-strategy.js'
import { rotationTables } from './rotate.js'
import type { Positions, Rotation, RotationStrategy } from './strategy.js'

/** What {@link rotateFeatures} takes. */
export interface RotateFeaturesOptions {
  /** Features of a head. */
  readonly headDim: number
  /** The positions of the tokens; [L]. */
  readonly positions: Positions
  /** Whether they are queries or keys: xPos treats them differently. */
  readonly side: 'query' | 'key'
}

/**
 * Queries or keys turned by a rotation, in plain numbers: no tensor library.
 *
 * @param strategy - or its rotation
 * @param x - row-major [..., L, headDim]
 * @returns the same, rotated; `x` is left as it is
 * @throws TypeError or RangeError for what does not rotate, unknown options, or a number of values that is no multiple of
 * L·headDim
 */
export function rotateFeatures(
  strategy: RotationStrategy | Rotation,
  x: ArrayLike<number>,
  options: RotateFeaturesOptions,
): Float32Array {
  checkOptions('rotateFeatures', options, ['headDim', 'positions', 'side'])
  const { headDim, positions, side } = options
  checkInteger('rotateFeatures', 'headDim', headDim, 1)
  const { cos, sin, partner } = rotationTables(rotationOf(strategy), headDim, positions, side)
  const size = x?.length
  if (typeof size !== 'number' || size % (cos.length || 1))
    fail('rotateFeatures', `a multiple of ${cos.length} values, [..., ${positions.length}, ${headDim}]`, size)
  return Float32Array.from({ length: size }, (_, i) => {
    const feature = i % headDim
    const at = i % cos.length
    return x[i]! * cos[at]! + x[i - feature + partner[feature]!]! * sin[at]!
  })
}

function rotationOf(strategy: RotationStrategy | Rotation): Rotation {
  if (typeof strategy === 'object' && strategy !== null && 'angles' in strategy) return strategy
  checkStrategy('rotateFeatures', strategy)
  const { name, rotation } = strategy as RotationStrategy
  return rotation ?? fail('rotateFeatures', 'a strategy that rotates', `${name}, which does not`, TypeError)
}
