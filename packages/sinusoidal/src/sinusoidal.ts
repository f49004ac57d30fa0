// Letters: L tokens, D modelDim.
import {
  checkInteger,
  checkOneOf,
  checkOptions,
  checkPositive,
  defineStrategy,
  type EmbeddingStrategy,
  fail,
  type Positions,
  type TensorOps,
} from '@alibi/core'

/** What {@link sinusoidal} takes. */
export interface SinusoidalOptions {
  /** D, even. */
  readonly modelDim: number
  /** Default 10 000. */
  readonly base?: number
  /**
   * `vaswani` interleaves sine and cosine; `fairseq` puts all sines first, spaces frequencies by 1/(D/2 − 1) and counts
   * positions from 2, as in the paper's baseline. Default `vaswani`.
   */
  readonly layout?: 'vaswani' | 'fairseq'
}

/**
 * Fixed sinusoids added to the token embeddings (Vaswani et al., 2017, §3.5).
 *
 * @throws RangeError for an odd modelDim, or one below 4 in fairseq's layout
 */
export function sinusoidal(options: SinusoidalOptions): EmbeddingStrategy {
  checkOptions('sinusoidal', options, ['modelDim', 'base', 'layout'])
  const { modelDim, base = 10_000, layout = 'vaswani' } = options
  checkOneOf('sinusoidal', 'layout', layout, ['vaswani', 'fairseq'])
  checkInteger('sinusoidal', 'modelDim', modelDim, layout === 'fairseq' ? 4 : 2)
  checkPositive('sinusoidal', 'base', base)
  if (modelDim % 2) fail('sinusoidal', 'an even modelDim', modelDim)
  const half = modelDim / 2
  const fairseq = layout === 'fairseq'
  const frequencies = Array.from({ length: half }, (_, i) => base ** (-i / (fairseq ? half - 1 : half)))

  function evaluate<T>(ops: TensorOps<T>, _parameters: unknown, positions: Positions): T {
    const rows = new Float64Array(positions.length * modelDim)
    positions.forEach((position, row) => {
      frequencies.forEach((frequency, i) => {
        const angle = (position + (fairseq ? 2 : 0)) * frequency
        rows[row * modelDim + (fairseq ? i : 2 * i)] = Math.sin(angle)
        rows[row * modelDim + (fairseq ? half + i : 2 * i + 1)] = Math.cos(angle)
      })
    })
    return ops.tensor(rows, [positions.length, modelDim])
  }
  return defineStrategy({ name: 'sinusoidal', embedding: { modelDim, evaluate } })
}
