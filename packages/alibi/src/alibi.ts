// Letters: H heads, N distances.
import {
  checkInteger,
  checkOneOf,
  checkPositive,
  type ParameterValues,
  type PositionStrategy,
  type TensorOps,
} from '@alibi/core'
import { alibiSlopes } from './slopes.js'

/** What {@link alibi} takes. */
export interface AlibiOptions {
  /** H, of the model; any count from 1. */
  readonly numHeads: number
  /**
   * `symmetric` is −slope·|distance|: with a causal mask, the paper's. `nonsymmetric` is for encoders: the first half of
   * the heads looks back only, the second half ahead only, each with {@link alibiSlopes} of its number (the author's
   * proposal, ofirpress/attention_with_linear_biases#5). Default `symmetric`.
   */
  readonly direction?: 'symmetric' | 'nonsymmetric'
  /** One a head, ≥ 0. Default {@link alibiSlopes}. */
  readonly slopes?: readonly number[]
  /** Train the slopes, through their logarithms, from where they start. Default false, as in the paper. */
  readonly learned?: boolean
  /** Multiplies the slopes: L / L′ for inputs longer than the train length L (Al-Khateeb et al., 2023); > 0. Default 1. */
  readonly scale?: number
}

/** What a nonsymmetric head adds to the side it does not look at: softmax gives it weight 0, and stays finite. */
const OTHER_SIDE = -1e30

/**
 * Attention with linear biases: −slope·|query − key| on each head's scores, and nothing else (Press, Smith, Lewis, ICLR
 * 2022, §3).
 *
 * @throws RangeError for a head count below 1, or odd when nonsymmetric; for slopes that are not one a head, finite and
 * ≥ 0 (> 0 if learned); for a scale that is not finite and > 0
 */
export function alibi(options: AlibiOptions): PositionStrategy {
  const { numHeads, direction = 'symmetric', learned = false, scale = 1 } = options
  checkInteger('alibi', 'numHeads', numHeads, 1)
  checkOneOf('alibi', 'direction', direction, ['symmetric', 'nonsymmetric'])
  checkPositive('alibi', 'scale', scale)
  const oneSided = direction === 'nonsymmetric'
  if (oneSided && numHeads % 2)
    throw new RangeError(`alibi: expected an even numHeads when nonsymmetric, got ${numHeads}; half look each way`)
  const half = alibiSlopes(numHeads / (oneSided ? 2 : 1))
  const start = (options.slopes ?? (oneSided ? [...half, ...half] : half)).map((slope) => slope * scale)
  const valid = start.length === numHeads && start.every((s) => Number.isFinite(s) && (learned ? s > 0 : s >= 0))
  if (!valid)
    throw new RangeError(
      `alibi: expected ${numHeads} finite slopes ${learned ? '> 0' : '≥ 0'}, got [${start}]; pass one a head`,
    )
  const slopes = <T>(ops: TensorOps<T>, parameters: ParameterValues<T>): T =>
    learned ? ops.exp(parameters.logSlopes!) : ops.tensor(start, [numHeads])

  /** The penalties as a function of distance, each head's other side shut off. */
  function evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array): T {
    const N = distances.length
    const shut = (head: number, distance: number) => (head < numHeads / 2 ? distance < 0 : distance > 0)
    const sides = Float64Array.from({ length: numHeads * N }, (_, i) =>
      shut(Math.floor(i / N), distances[i % N]!) ? OTHER_SIDE : 0,
    )
    const penalties = Float64Array.from(distances, (d) => (d > 0 ? -d : d))
    const linear = ops.mul(ops.reshape(slopes(ops, parameters), [numHeads, 1]), ops.tensor(penalties, [1, N]))
    return ops.add(linear, ops.tensor(sides, [numHeads, N]))
  }

  return Object.freeze({
    specVersion: 1,
    name: 'alibi',
    ...(learned && {
      parameters: { logSlopes: { shape: [numHeads], init: { kind: 'values' as const, values: start.map(Math.log) } } },
    }),
    bias: Object.freeze(
      oneSided ? { kind: 'distance' as const, numHeads, evaluate } : { kind: 'linear' as const, numHeads, slopes },
    ),
  } satisfies PositionStrategy)
}
