import { alibi, alibiSlopes } from '@alibi/alibi'
import { compose, defineStrategy } from '@alibi/core'
import { rotary } from '@alibi/rotary'

export interface HalvesOptions {
  readonly numHeads: number
  readonly headDim: number
}

/** ALiBi on one half of the heads, rotary on the other: slopes of 0, and angles of 0, where a head has the other. */
export function halves({ numHeads, headDim }: HalvesOptions) {
  const biased = Math.ceil(numHeads / 2)
  const { rotation } = rotary({ rotaryDim: headDim })

  /** @returns row-major [H, L, rotaryDim/2] */
  function angles(positions: Int32Array): Float64Array {
    const turned = rotation.angles(positions)
    const all = new Float64Array(numHeads * turned.length)
    for (let head = biased; head < numHeads; head++) all.set(turned, head * turned.length)
    return all
  }
  const slopes = [...alibiSlopes(biased), ...new Array<number>(numHeads - biased).fill(0)]
  const turning = defineStrategy({ name: 'turning', rotation: { ...rotation, numHeads, angles } })
  return defineStrategy({ ...compose(alibi({ numHeads, slopes }), turning), name: 'halves' })
}
