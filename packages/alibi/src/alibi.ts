// Letters: H heads, N distances.
import {
  type BiasStrategy,
  checkBoolean,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkPositive,
  type DistanceBias,
  defineStrategy,
  fail,
  type LinearBias,
  type ParameterValues,
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
  /** The gentlest slope is 2^−maxBias, as MPT's `alibi_bias_max`; not with slopes. Default 8. */
  readonly maxBias?: number
  /** Train the slopes, through their logarithms, from where they start. Default false, as in the paper. */
  readonly learned?: boolean
  /** Learned slopes for each layer rather than once for the model. Default false. */
  readonly perLayer?: boolean
  /** Multiplies the slopes: L / L′ for inputs longer than the train length L (Al-Khateeb et al., 2023); > 0. Default 1. */
  readonly scale?: number
}

/** What a nonsymmetric head adds to the side it does not look at: softmax gives it weight 0, and stays finite. */
const OTHER_SIDE = -1e30

// biome-ignore format: a table
const OPTIONS: readonly (keyof AlibiOptions)[] = [
  'numHeads', 'direction', 'slopes', 'maxBias', 'learned', 'perLayer', 'scale',
]

/**
 * Attention with linear biases: −slope·|query − key| on each head's scores, and nothing else (Press, Smith, Lewis, ICLR
 * 2022, §3).
 *
 * @throws RangeError for a head count below 1, or odd when nonsymmetric; for slopes that are not one a head, finite and
 * ≥ 0 (> 0 if learned); for a scale or maxBias that is not finite and > 0, slopes with maxBias, or perLayer without learned.
 * TypeError for an unknown option
 */
export function alibi(options: AlibiOptions & { readonly direction?: 'symmetric' }): BiasStrategy<LinearBias>
export function alibi(options: AlibiOptions): BiasStrategy<LinearBias | DistanceBias>
export function alibi(options: AlibiOptions): BiasStrategy<LinearBias | DistanceBias> {
  checkOptions('alibi', options, OPTIONS)
  const { numHeads, direction = 'symmetric', learned = false, perLayer = false } = options
  checkInteger('alibi', 'numHeads', numHeads, 1)
  checkOneOf('alibi', 'direction', direction, ['symmetric', 'nonsymmetric'])
  checkBoolean('alibi', 'learned', learned)
  checkBoolean('alibi', 'perLayer', perLayer)
  if (perLayer && !learned) fail('alibi', 'learned: true with perLayer', 'fixed slopes, which all layers share')
  const oneSided = direction === 'nonsymmetric'
  if (oneSided && numHeads % 2) fail('alibi', 'an even numHeads when nonsymmetric', `${numHeads}; half look each way`)
  const start = startingSlopes(options, oneSided)
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

  return defineStrategy({
    name: 'alibi',
    ...(learned && {
      parameters: { logSlopes: { shape: [numHeads], init: { kind: 'values', values: start.map(Math.log) } } },
      parameterScope: perLayer ? 'layer' : 'model',
    }),
    bias: oneSided ? { kind: 'distance', numHeads, evaluate } : { kind: 'linear', numHeads, slopes },
  })
}

/** Where the slopes are before any training; one a head. */
function startingSlopes(options: AlibiOptions, oneSided: boolean): number[] {
  const { numHeads, learned, scale = 1, maxBias = 8 } = options
  checkPositive('alibi', 'scale', scale)
  checkPositive('alibi', 'maxBias', maxBias)
  if (options.slopes && options.maxBias !== undefined) fail('alibi', 'slopes or maxBias', 'both')
  const half = alibiSlopes(numHeads / (oneSided ? 2 : 1), maxBias)
  const given: unknown = options.slopes ?? (oneSided ? [...half, ...half] : half)
  const slopes = Array.isArray(given) || ArrayBuffer.isView(given) ? Array.from(given as ArrayLike<number>) : []
  const isSlope = (slope: number) => Number.isFinite(slope * scale) && (learned ? slope > 0 : slope >= 0)
  if (slopes.length !== numHeads || !slopes.every(isSlope))
    fail('alibi', `${numHeads} finite slopes ${learned ? '> 0' : '≥ 0'}`, `[${slopes}]; pass one a head`)
  return slopes.map((slope) => slope * scale)
}
