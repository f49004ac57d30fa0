// Letters: H heads, N distances.
import {
  type BiasStrategy,
  checkInteger,
  checkOptions,
  checkPositive,
  type DistanceBias,
  defineStrategy,
  fail,
  type ParameterValues,
  type TensorOps,
} from '@alibi/core'

/** What {@link sandwich} takes. */
export interface SandwichOptions {
  /** H, of the model; any count from 1. */
  readonly numHeads: number
  /** d̄, width of the sinusoids whose products it is made of; even. Default 128, the authors'. */
  readonly width?: number
  /** Wavelengths of the sinusoids go from 2π to 2π·base tokens. Default 10,000. */
  readonly base?: number
}

/**
 * Sandwich: what is left of sinusoidal embeddings in a score when their products with each other alone are kept, Σ cos(distance
 * / base^(2i/d̄)) for i = 0 … d̄/2 − 1, divided by h·8/H in head h = 1 … H (Chi, Fan, Rudnicky, Ramadge, ACL 2023, §5 and
 * appendix). Nothing is learned. d̄/2 is taken off, so that it is 0 on the diagonal and negative behind; softmax does not see
 * it.
 *
 * @throws RangeError or TypeError for a head count below 1, a width that is odd or below 2, or a base that is not > 0
 */
export function sandwich(options: SandwichOptions): BiasStrategy<DistanceBias> {
  checkOptions('sandwich', options, ['numHeads', 'width', 'base'])
  const { numHeads, width = 128, base = 10_000 } = options
  checkInteger('sandwich', 'numHeads', numHeads, 1)
  checkInteger('sandwich', 'width', width, 2)
  if (width % 2) fail('sandwich', 'an even width', `${width}; sines and cosines come in pairs`)
  checkPositive('sandwich', 'base', base)
  const frequencies = Array.from({ length: width / 2 }, (_, i) => base ** ((-2 * i) / width))
  const decay = (distance: number) =>
    frequencies.reduce((sum, frequency) => sum + Math.cos(distance * frequency) - 1, 0)

  function evaluate<T>(ops: TensorOps<T>, _parameters: ParameterValues<T>, distances: Int32Array): T {
    // A tile has few distances, many times each.
    const known = new Map<number, number>()
    const decays = Float64Array.from(distances, (d) => {
      const value = known.get(Math.abs(d)) ?? decay(Math.abs(d))
      known.set(Math.abs(d), value)
      return value
    })
    const shares = Float64Array.from({ length: numHeads }, (_, head) => numHeads / (8 * (head + 1)))
    return ops.mul(ops.tensor(shares, [numHeads, 1]), ops.tensor(decays, [1, distances.length]))
  }
  return defineStrategy({
    name: 'sandwich',
    bias: { kind: 'distance', numHeads, evaluate },
  })
}
