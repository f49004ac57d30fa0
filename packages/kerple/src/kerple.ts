// Letters: H heads, N distances.
import {
  type BiasStrategy,
  checkBoolean,
  checkInteger,
  checkOneOf,
  checkOptions,
  type DistanceBias,
  defineStrategy,
  type ParameterSpec,
  type ParameterValues,
  type TensorOps,
} from '@alibi/core'

/** What {@link kerple} takes. */
export interface KerpleOptions {
  /** H, of the model; any count from 1. */
  readonly numHeads: number
  /** `log` is −r₁·ln(1 + r₂·distance), `power` is −r₁·distance^r₂. Default `log`, the authors' best. */
  readonly kernel?: 'log' | 'power'
  /** A pair of parameters a head for each layer, as the authors have, or one pair for the model. Default true. */
  readonly perLayer?: boolean
}

/**
 * KERPLE: a learned kernel of the distance (Chi, Fan, Ramadge, Rudnicky, NeurIPS 2022, §4.2).
 *
 * The kernels need r₁ > 0, r₂ > 0, and r₂ ≤ 2 as a power. The authors put a parameter back at its bound after each step; here
 * the hook folds what lies beyond a bound back inside (|r|, and 2 − |2 − |r|| for a power), which has a gradient on both
 * sides. Within the bounds both are the same. Starting values are theirs: of `log` r₁ up to 2 and r₂ up to 1; of `power`
 * r₁ up to 1 and r₂ up to 2; uniform.
 *
 * @throws RangeError or TypeError for a head count below 1 or another kernel
 */
export function kerple(options: KerpleOptions): BiasStrategy<DistanceBias> {
  checkOptions('kerple', options, ['numHeads', 'kernel', 'perLayer'])
  const { numHeads, kernel = 'log', perLayer = true } = options
  checkInteger('kerple', 'numHeads', numHeads, 1)
  checkOneOf('kerple', 'kernel', kernel, ['log', 'power'])
  checkBoolean('kerple', 'perLayer', perLayer)
  const upTo = (high: number): ParameterSpec => ({ shape: [numHeads], init: { kind: 'uniform', low: 0, high } })

  function evaluate<T>(ops: TensorOps<T>, { r1, r2 }: ParameterValues<T>, distances: Int32Array): T {
    const column = (parameter: T) => ops.reshape(ops.abs(parameter), [numHeads, 1])
    const distance = ops.tensor(distances.map(Math.abs), [1, distances.length])
    const [scale, shape] = [column(r1!), column(r2!)]
    const grown = kernel === 'log' ? ops.log1p(ops.mul(shape, distance)) : ops.pow(distance, foldBelowTwo(ops, shape))
    return ops.neg(ops.mul(scale, grown))
  }
  return defineStrategy({
    name: `kerple-${kernel}`,
    parameterScope: perLayer ? 'layer' : 'model',
    parameters: kernel === 'log' ? { r1: upTo(2), r2: upTo(1) } : { r1: upTo(1), r2: upTo(2) },
    bias: { kind: 'distance', numHeads, evaluate },
  })
}

/** 2 − |2 − x|, for x ≥ 0. */
function foldBelowTwo<T>(ops: TensorOps<T>, x: T): T {
  const two = ops.tensor([2], [1, 1])
  return ops.sub(two, ops.abs(ops.sub(two, x)))
}
