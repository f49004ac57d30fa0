import type { RotaryScaling } from '@alibi/rotary'
import type { OptionValue } from './registry.js'
import { completeScaling, makeScaling } from './scalings.js'

interface Given {
  readonly scaling: OptionValue | undefined
  readonly factor: OptionValue | undefined
  readonly proportion: OptionValue | undefined
}

/**
 * Rotary's scaling by its name.
 *
 * @throws RangeError, one line, for one without its numbers, or numbers without one
 */
export function scaledBy(
  { scaling, factor, proportion }: Given,
  trainLength: number,
): { readonly scaling?: RotaryScaling } {
  if (scaling === undefined && factor === undefined && proportion === undefined) return {}
  if ((scaling === 'proportional') !== (proportion !== undefined))
    throw new RangeError('rotary: expected scaling=proportional and proportion together, got one of them')
  if (scaling === undefined || (factor === undefined && !['dynamic', 'proportional'].includes(scaling as string)))
    throw new RangeError('rotary: expected scaling and factor together, got one of them')
  const options = { ...(factor !== undefined && { factor }), ...(proportion !== undefined && { proportion }) }
  return { scaling: makeScaling(completeScaling({ use: scaling as string, options }, trainLength)) }
}
