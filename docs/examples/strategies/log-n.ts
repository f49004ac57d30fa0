import { defineStrategy } from '@alibi/core'
import { rotary } from '@alibi/rotary'

export interface LogNOptions {
  readonly headDim: number
  readonly trainLength: number
}

/**
 * Rotary whose queries grow with ln n, beyond the train length: attention over more tokens then stays as sharp as it was
 * trained to be (Su, 2021; Chiang and Cholak, 2022). The products depend on where the query is, so it is not relative.
 */
export function logN({ headDim, trainLength }: LogNOptions) {
  const { rotation } = rotary({ rotaryDim: headDim })
  const scaleAt = (position: number) => Math.max(1, Math.log(position + 1) / Math.log(Math.max(2, trainLength)))

  /** @returns row-major [L, rotaryDim/2] */
  function magnitudes(positions: Int32Array, side: 'query' | 'key'): Float64Array {
    const pairs = headDim / 2
    return Float64Array.from({ length: positions.length * pairs }, (_, i) =>
      side === 'query' ? scaleAt(positions[Math.floor(i / pairs)]!) : 1,
    )
  }
  return defineStrategy({ name: 'log-n', rotation: { ...rotation, relative: false, magnitudes } })
}
