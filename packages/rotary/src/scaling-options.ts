// Letters: L the length of a pass; s the factor.

/** What `linearScaling` and `ntkScaling` take. */
export interface ScalingOptions {
  /** s, how many times longer: evalLength / trainLength; ≥ 1. */
  readonly factor: number
}

/** What `llama3Scaling` takes. */
export interface Llama3Options extends ScalingOptions {
  /** The train length that the frequencies belong to. Default 8192. */
  readonly originalMaxPositions?: number
  /** Wavelengths above originalMaxPositions / this are interpolated. Default 1. */
  readonly lowFrequencyFactor?: number
  /** Wavelengths below originalMaxPositions / this stay. Default 4. */
  readonly highFrequencyFactor?: number
}

/** What `yarnScaling` takes. */
export interface YarnOptions extends ScalingOptions {
  /** The train length that the frequencies belong to. */
  readonly originalMaxPositions: number
  /** Pairs that turn more often than this over the train length stay. Default 32. */
  readonly betaFast?: number
  /** Pairs that turn less often than this are interpolated. Default 1. */
  readonly betaSlow?: number
  /** The magnitude itself, > 0; it wins over mscale. 1 leaves the scores as they are. Default from s and mscale. */
  readonly attentionFactor?: number
  /**
   * With {@link mscaleAllDim}, the magnitude is (0.1·mscale·ln s + 1) / (0.1·mscaleAllDim·ln s + 1), as in DeepSeek's
   * models; both > 0, or neither. Default neither: 0.1·ln s + 1.
   */
  readonly mscale?: number
  /** See {@link mscale}. */
  readonly mscaleAllDim?: number
  /** Round the ends of the ramp outwards to whole pairs. Default true; gpt-oss has false. */
  readonly truncate?: boolean
}

/** What `dynamicNtkScaling` takes. */
export interface DynamicNtkOptions {
  /** L₀, the train length, up to which nothing changes. */
  readonly originalMaxPositions: number
  /** α ≥ 1: s = α·L/L₀ − (α − 1). 1, the default, is YaRN's definition (§3.4); Hugging Face's models have others. */
  readonly factor?: number
}

/** What `longRopeScaling` takes. */
export interface LongRopeOptions {
  /** A factor ≥ 1 for each pair, which its frequency is divided by, in passes up to originalMaxPositions. */
  readonly shortFactors: readonly number[]
  /** The same in longer passes. */
  readonly longFactors: readonly number[]
  /** The train length that the frequencies belong to. */
  readonly originalMaxPositions: number
  /** s, how many times longer the model reads at most. */
  readonly factor: number
  /** The magnitude itself. Default √(1 + ln s / ln originalMaxPositions). */
  readonly attentionFactor?: number
}

/** What `proportionalScaling` takes. */
export interface ProportionalOptions {
  /** p, the share of the pairs that turn, the fastest of them; 0 < p ≤ 1. */
  readonly proportion: number
  /** s, by which the frequencies of those are divided; ≥ 1. Default 1. */
  readonly factor?: number
}

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
