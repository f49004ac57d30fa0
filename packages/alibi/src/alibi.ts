// Letters: H heads.
import type { ParameterValues, PositionStrategy, TensorOps } from '@alibi/core'
import { alibiSlopes } from './slopes.js'

export interface AlibiOptions {
  readonly numHeads: number
  /** One a head, ≥ 0. Default {@link alibiSlopes}. */
  readonly slopes?: readonly number[]
  /** Train the slopes, through their logarithms, from where they start. Default false, as in the paper. */
  readonly learned?: boolean
  /** Multiplies the slopes: L / L′ for inputs longer than the train length L (Al-Khateeb et al., 2023). Default 1. */
  readonly scale?: number
}

/**
 * Attention with linear biases: −slope·|query − key| on each head's scores, and nothing else (Press, Smith, Lewis, ICLR
 * 2022, §3). Symmetric without a causal mask.
 *
 * @throws RangeError for a head count below 1, slopes that are not one a head, finite and ≥ 0 (> 0 if learned)
 */
export function alibi({ numHeads, slopes, learned = false, scale = 1 }: AlibiOptions): PositionStrategy {
  const start = (slopes ?? alibiSlopes(numHeads)).map((slope) => slope * scale)
  const valid = start.length === numHeads && start.every((s) => Number.isFinite(s) && (learned ? s > 0 : s >= 0))
  if (!valid)
    throw new RangeError(
      `alibi: expected ${numHeads} finite slopes ${learned ? '> 0' : '≥ 0'}, got [${start}]; pass one a head`,
    )
  return Object.freeze({
    specVersion: 1,
    name: 'alibi',
    ...(learned && {
      parameters: { logSlopes: { shape: [numHeads], init: { kind: 'values' as const, values: start.map(Math.log) } } },
    }),
    bias: Object.freeze({
      kind: 'linear' as const,
      numHeads,
      slopes: <T>(ops: TensorOps<T>, parameters: ParameterValues<T>): T =>
        learned ? ops.exp(parameters.logSlopes!) : ops.tensor(start, [numHeads]),
    }),
  } satisfies PositionStrategy)
}
