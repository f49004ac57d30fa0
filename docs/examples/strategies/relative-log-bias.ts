// Letters: H heads, Q/K queries/keys.
import {
  checkInteger,
  defineStrategy,
  type ParameterSpec,
  type ParameterValues,
  type Positions,
  type TensorOps,
} from '@alibi/core'

export interface RelativeLogBiasOptions {
  readonly numHeads: number
  readonly trainLength: number
}

/**
 * −p·ln(1 + a·|distance|) / ln(1 + a·max(query, trainLength)): however long the text, a distance counts as a part of how
 * far the query is from the start. The interpolation of FIRE (Li et al., 2024) with a straight line as its network.
 */
export function relativeLogBias({ numHeads, trainLength }: RelativeLogBiasOptions) {
  checkInteger('relativeLogBias', 'numHeads', numHeads, 1)
  checkInteger('relativeLogBias', 'trainLength', trainLength, 1)
  const start = (value: number): ParameterSpec => ({ shape: [numHeads, 1, 1], init: { kind: 'constant', value } })

  /** @returns shape [H, Q, K] */
  function evaluate<T>(ops: TensorOps<T>, { logP, logA }: ParameterValues<T>, queries: Positions, keys: Positions): T {
    const distances = Array.from(queries).flatMap((query) => Array.from(keys, (key) => Math.abs(query - key)))
    const ends = queries.map((query) => Math.max(query, trainLength))
    const logOf = (lengths: ArrayLike<number>, shape: readonly number[]) =>
      ops.log1p(ops.mul(ops.exp(logA!), ops.tensor(lengths, shape)))
    const parts = ops.div(logOf(distances, [1, queries.length, keys.length]), logOf(ends, [1, queries.length, 1]))
    return ops.neg(ops.mul(ops.exp(logP!), parts))
  }
  return defineStrategy({
    name: 'relative-log-bias',
    parameters: { logP: start(2), logA: start(0) },
    parameterScope: 'layer',
    bias: { kind: 'pair', numHeads, evaluate },
  })
}
