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
  /** The longest sequence, in tokens. */
  readonly maxPositions: number
  /** Rows before that of position 0, which nothing reads: 2 in OPT and BART, whose tables then fit. Default 0. */
  readonly offset?: number
}

/**
 * A trained table of positions added to the token embeddings (Gehring et al., 2017; GPT-2). It throws past its last row:
 * there is nothing to extrapolate with.
 *
 * @throws RangeError or TypeError for sizes that are not integers ≥ 1, or an offset below 0; its hook, for positions beyond the table
 */
export function learned(options: LearnedOptions): EmbeddingStrategy & { readonly maxPositions: number } {
  checkOptions('learned', options, ['modelDim', 'maxPositions', 'offset'])
  const { modelDim, maxPositions, offset = 0 } = options
  checkInteger('learned', 'modelDim', modelDim, 1)
  checkInteger('learned', 'maxPositions', maxPositions, 1)
  checkInteger('learned', 'offset', offset, 0)

  function evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, positions: Positions): T {
    const beyond = positions.find((p) => p < 0 || p >= maxPositions)
    if (beyond !== undefined)
      fail(
        'learned',
        `positions from 0 to ${maxPositions - 1}`,
        `${beyond}; take a shorter text, or train with a larger maxPositions`,
      )
    const rows = offset ? positions.map((p) => p + offset) : positions
    return ops.gather(parameters.table!, rows, 0)
  }
  return defineStrategy({
    name: 'learned',
    maxPositions,
    parameters: {
      table: { shape: [offset + maxPositions, modelDim], init: { kind: 'normal', standardDeviation: 0.02 } },
    },
    embedding: { modelDim, evaluate },
  })
}
