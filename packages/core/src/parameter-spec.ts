/** A trainable array that a strategy declares and the model owns. Plain data: it survives JSON. */
export interface ParameterSpec {
  /** Sizes of its axes. */
  readonly shape: readonly number[]
  /** How it starts. */
  readonly init: Initializer
  /** One array for the model, or one for each layer. Default: the strategy's `parameterScope`. */
  readonly scope?: 'model' | 'layer'
}

/** Starting values: one number; normal around 0; uniform in [low, high); or each value, row-major. */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly standardDeviation: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'values'; readonly values: readonly number[] }

/** Tensors by the names that a strategy declares. */
export type ParameterValues<T> = Readonly<Record<string, T>>
