import type { DynamicNtkOptions, LongRopeOptions } from './by-length.js'
import type { ProportionalOptions } from './proportional.js'
import type { Llama3Options, ScalingOptions } from './scaling.js'
import type { YarnOptions } from './yarn.js'

/** What each kind of scaling is made with, defaults included. */
interface ScalingKinds {
  readonly linear: ScalingOptions
  readonly ntk: ScalingOptions
  /** `attentionFactor` has what mscale makes of it. */
  readonly yarn: Required<Omit<YarnOptions, 'mscale' | 'mscaleAllDim'>>
  readonly llama3: Required<Llama3Options>
  readonly proportional: Required<ProportionalOptions>
  readonly dynamic: Required<DynamicNtkOptions>
  readonly longrope: Required<LongRopeOptions>
}

/** The kind of a scaling, by Hugging Face's `rope_type` where that has it, and its options with their defaults. */
export type MadeScaling = {
  [Kind in keyof ScalingKinds]: { readonly kind: Kind } & ScalingKinds[Kind]
}[keyof ScalingKinds]
