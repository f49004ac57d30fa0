import {
  dynamicNtkScaling,
  linearScaling,
  ntkScaling,
  proportionalScaling,
  type RotaryScaling,
  yarnScaling,
} from '@alibi/rotary'
import type { OptionValue } from './registry.js'

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
  const numbers = { ...(factor !== undefined && { factor: factor as number }) }
  if ((scaling === 'proportional') !== (proportion !== undefined))
    throw new RangeError('rotary: expected scaling=proportional and proportion together, got one of them')
  if (scaling === 'proportional')
    return { scaling: proportionalScaling({ proportion: proportion as number, ...numbers }) }
  if (scaling === 'dynamic') return { scaling: dynamicNtkScaling({ originalMaxPositions: trainLength, ...numbers }) }
  if (scaling === undefined || factor === undefined)
    throw new RangeError('rotary: expected scaling and factor together, got one of them')
  const stretch = factor as number
  const made: Readonly<Record<string, () => RotaryScaling>> = {
    linear: () => linearScaling({ factor: stretch }),
    ntk: () => ntkScaling({ factor: stretch }),
    yarn: () => yarnScaling({ factor: stretch, originalMaxPositions: trainLength }),
  }
  return { scaling: made[scaling as string]!() }
}
