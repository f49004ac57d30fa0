import {
  checkBoolean,
  checkInteger,
  checkOptions,
  defineStrategy,
  type ParameterValues,
  type PositionStrategy,
  type SinkLogit,
  type TensorOps,
} from '@alibi/core'

/** What {@link sinkLogit} takes. */
export interface SinkLogitOptions {
  /** H, of the model. */
  readonly numHeads: number
  /** A logit that each head of each layer learns (gpt-oss), or a constant 0, the off-by-one softmax. Default true. */
  readonly learned?: boolean
}

/**
 * A logit without a value in every softmax, so that a head can attend to nothing: weights are
 * exp(score)/(exp(logit) + Σ exp(scores)). Learned in gpt-oss (OpenAI, 2025); with a constant 0 it is the off-by-one softmax
 * (Miller, "Attention Is Off By One", 2023).
 *
 * @throws RangeError or TypeError for a head count below 1
 */
export function sinkLogit(options: SinkLogitOptions): PositionStrategy & { readonly sink: SinkLogit } {
  checkOptions('sinkLogit', options, ['numHeads', 'learned'])
  const { numHeads, learned = true } = options
  checkInteger('sinkLogit', 'numHeads', numHeads, 1)
  checkBoolean('sinkLogit', 'learned', learned)
  if (!learned) {
    const zero = <T>(ops: TensorOps<T>): T => ops.tensor(new Float64Array(numHeads), [numHeads])
    return defineStrategy({ name: 'off-by-one', sink: { numHeads, evaluate: zero } })
  }
  const evaluate = <T>(_ops: TensorOps<T>, { logits }: ParameterValues<T>): T => logits!
  return defineStrategy({
    name: 'sink-logit',
    parameterScope: 'layer',
    // As gpt-oss starts in transformers.
    parameters: { logits: { shape: [numHeads], init: { kind: 'normal', standardDeviation: 0.02 } } },
    sink: { numHeads, evaluate },
  })
}
