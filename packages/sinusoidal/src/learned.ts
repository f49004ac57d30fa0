// Letters: L tokens, D modelDim.
import {
  checkInteger,
  checkOptions,
  defineStrategy,
  type EmbeddingStrategy,
  fail,
  type ParameterValues,
  type Positions,
  type TensorOps,
} from '@alibi/core'

/** What {@link learned} takes. */
export interface LearnedOptions {
  /** D. */
  readonly modelDim: number
  /** Rows of the table: the longest sequence. */
  readonly maxPositions: number
}

/**
 * A trained table of positions added to the token embeddings (Gehring et al., 2017; GPT-2). It throws past its last row:
 * there is nothing to extrapolate with.
 *
 * @throws RangeError or TypeError for sizes that are not integers ≥ 1; its hook, for positions beyond the table
 */
export function learned(options: LearnedOptions): EmbeddingStrategy & { readonly maxPositions: number } {
  checkOptions('learned', options, ['modelDim', 'maxPositions'])
  const { modelDim, maxPositions } = options
  checkInteger('learned', 'modelDim', modelDim, 1)
  checkInteger('learned', 'maxPositions', maxPositions, 1)

  function evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, positions: Positions): T {
    const beyond = positions.find((p) => p < 0 || p >= maxPositions)
    if (beyond !== undefined)
      fail('learned', `positions from 0 to ${maxPositions - 1}`, `${beyond}; train with a larger maxPositions`)
    return ops.gather(parameters.table!, positions, 0)
  }
  return defineStrategy({
    name: 'learned',
    maxPositions,
    parameters: {
      table: { shape: [maxPositions, modelDim], init: { kind: 'normal', standardDeviation: 0.02 } },
    },
    embedding: { modelDim, evaluate },
  })
}
