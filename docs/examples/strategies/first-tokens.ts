import { checkInteger, defineStrategy } from '@alibi/core'
import { linearScaling, rotary } from '@alibi/rotary'

export interface FirstTokensOptions {
  readonly headDim: number
  /** How many first tokens keep their angles. Default 4. */
  readonly kept?: number
}

/**
 * Rotary interpolated by 8, but for its first tokens, which keep the angles that they were trained with (LongRoPE's n̂; Ding
 * et al., 2024, §3.1). Distances to those are not what they are elsewhere, so it is not relative.
 */
export function firstTokens({ headDim, kept = 4 }: FirstTokensOptions) {
  checkInteger('firstTokens', 'kept', kept, 0)
  const plain = rotary({ rotaryDim: headDim }).rotation
  const scaled = rotary({ rotaryDim: headDim, scaling: linearScaling({ factor: 8 }) }).rotation

  /** @returns row-major [L, rotaryDim/2] */
  function angles(positions: Int32Array): Float64Array {
    const pairs = headDim / 2
    const [near, far] = [plain.angles(positions), scaled.angles(positions)]
    return far.map((angle, i) => (positions[Math.floor(i / pairs)]! < kept ? near[i]! : angle))
  }
  return defineStrategy({ name: 'first-tokens', rotation: { ...plain, relative: false, angles } })
}
