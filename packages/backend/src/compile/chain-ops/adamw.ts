// AdamW.
import type { Place } from '../chain-program.js'
import { sizeOf } from '../chain-shapes.js'
import { moved, placeOrNone, roomFor, type Translate } from './op.js'

/** One instruction for each array. */
export const adamw: Translate = ({ inputs, outputs, program }) => {
  if (!program.isWhole) return undefined
  const [numbers, constants, factor, decays, gradient, first, second, ...arrays] = inputs
  const results = outputs.map((output) => roomFor(output, program))
  const [newFirst, newSecond, ...updated] = results as [Place, Place, ...Place[]]
  let at = 0
  for (const [i, array] of arrays.entries()) {
    const settings = [numbers!.place, constants!.place, placeOrNone(factor!), decays!.place]
    const moments = [gradient!, first!, second!].map(({ place }) => moved(place, at))
    const made = [moved(newFirst, at), moved(newSecond, at), updated[i]!]
    program.write('adamw', [...made, ...settings, ...moments, array.place], [sizeOf(array.shape), i])
    at += sizeOf(array.shape)
  }
  return results
}
