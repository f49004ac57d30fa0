import { checkInteger, defineStrategy } from '@alibi/core'
import { rotary } from '@alibi/rotary'

export interface AxialRotaryOptions {
  readonly headDim: number
  /** Patches in a row of the picture. Default 8. */
  readonly width?: number
}

/** Rotary in two dimensions: half of the pairs turn by the row of a patch, half by its column (a headDim that 4 divides). */
export function axialRotary({ headDim, width = 8 }: AxialRotaryOptions) {
  checkInteger('axialRotary', 'width', width, 1)
  const ofAxis = rotary({ rotaryDim: headDim / 2 }).rotation
  const pairs = headDim / 4

  /** @returns row-major [L, headDim/2]: first the row's, then the column's */
  function angles(positions: Int32Array): Float64Array {
    const rows = ofAxis.angles(positions.map((p) => Math.floor(p / width)))
    const columns = ofAxis.angles(positions.map((p) => p % width))
    return Float64Array.from({ length: 2 * rows.length }, (_, i) => {
      const [token, pair] = [Math.floor(i / (2 * pairs)), i % (2 * pairs)]
      return pair < pairs ? rows[token * pairs + pair]! : columns[token * pairs + pair - pairs]!
    })
  }
  return defineStrategy({ name: 'axial-rotary', rotation: { ...ofAxis, rotaryDim: headDim, relative: false, angles } })
}
