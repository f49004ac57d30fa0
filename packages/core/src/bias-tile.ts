// Letters: H heads, Q/K queries/keys.
import { checkOptions, fail } from './check.js'
import { checkBias, checkStrategy } from './check-strategy.js'
import { initialParameters, type ParameterValues } from './parameters.js'
import { type ReferenceTensor, reference } from './reference.js'
import { scoreBias } from './score-bias.js'
import type { BiasStrategy, Positions, ScoreBias } from './strategy.js'

/** What {@link biasTile} takes. */
export interface BiasTileOptions {
  /** Positions of the queries, e.g. `positionRange(pastLength, 1)`; [Q]. */
  readonly queries: Positions
  /** Positions of the keys; [K]. */
  readonly keys: Positions
  /** Each row-major, by name. Default: the strategy's starting values (seed 0). */
  readonly parameters?: Readonly<Record<string, ArrayLike<number>>>
}

/**
 * The bias to add to attention's scores q·kᵀ/√headDim, in plain numbers: no tensor library, no mask.
 *
 * @param strategy - or its bias, which then can have no parameters
 * @returns row-major [H, Q, K], rounded from float64
 * @throws TypeError or RangeError for what has no bias, unknown options, positions that are no integers, or parameters that
 * are not the strategy's
 */
export function biasTile(strategy: BiasStrategy | ScoreBias, options: BiasTileOptions): Float32Array {
  checkOptions('biasTile', options, ['queries', 'keys', 'parameters'])
  const { queries, keys, parameters } = options
  if (!isStrategy(strategy)) {
    checkBias('biasTile', strategy)
    if (parameters) fail('biasTile', 'a strategy where parameters are given', 'its bias, which has no shapes of them')
    return Float32Array.from(scoreBias(reference, strategy, {}, queries, keys).data)
  }
  checkStrategy('biasTile', strategy)
  if (!strategy.bias) fail('biasTile', 'a strategy with a bias', `${strategy.name}, which has none`, TypeError)
  const values = parameters ? tensorsOf(strategy, parameters) : initialParameters(reference, strategy.parameters)
  return Float32Array.from(scoreBias(reference, strategy.bias, values, queries, keys).data)
}

/** Whether it is no hook, whatever it is. */
const isStrategy = (value: BiasStrategy | ScoreBias): value is BiasStrategy =>
  typeof value !== 'object' || value === null || !('kind' in value)

function tensorsOf(
  { parameters: specs = {} }: BiasStrategy,
  values: Readonly<Record<string, ArrayLike<number>>>,
): ParameterValues<ReferenceTensor> {
  checkOptions('biasTile', values, Object.keys(specs))
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape }]) => [
      name,
      values[name] ? reference.tensor(values[name], shape) : fail('biasTile', `the parameter ${name}`, 'none'),
    ]),
  )
}
