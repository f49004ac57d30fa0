import { fail } from '@alibi/core'
import type { DynamicNtkOptions, LongRopeOptions } from './by-length.js'
import type { ProportionalOptions } from './proportional.js'
import type { Llama3Options, RotaryScaling, ScalingOptions } from './scaling.js'
import type { YarnOptions } from './yarn.js'

/** What each kind of scaling is made with, defaults included. */
export interface ScalingKinds {
  /** `linearScaling`. */
  readonly linear: ScalingOptions
  /** `ntkScaling`. */
  readonly ntk: ScalingOptions
  /** `yarnScaling`; `attentionFactor` has what mscale makes of it. */
  readonly yarn: Required<Omit<YarnOptions, 'mscale' | 'mscaleAllDim'>>
  /** `llama3Scaling`. */
  readonly llama3: Required<Llama3Options>
  /** `proportionalScaling`. */
  readonly proportional: Required<ProportionalOptions>
  /** `dynamicNtkScaling`. */
  readonly dynamic: Required<DynamicNtkOptions>
  /** `longRopeScaling`. */
  readonly longrope: Required<LongRopeOptions>
}

/**
 * What a scaling of one kind was made with.
 *
 * @returns undefined for one of another kind
 * @throws TypeError for what is no scaling
 */
export function scalingOptions<Kind extends keyof ScalingKinds>(
  scaling: RotaryScaling,
  kind: Kind,
): ScalingKinds[Kind] | undefined {
  if (typeof (scaling as RotaryScaling | null | undefined)?.frequencies !== 'function')
    fail('scalingOptions', 'a scaling', scaling, TypeError)
  return scaling.kind === kind ? (scaling.options as ScalingKinds[Kind]) : undefined
}
