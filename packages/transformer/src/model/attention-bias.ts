// Letters: H heads, Q/K queries/keys.
import {
  checkStrategy,
  fail,
  type ParameterValues,
  type PositionStrategy,
  type Positions,
  positionRange,
  scoreBias,
} from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias, Tile } from '../kernels/attention/bias.js'
import type { BiasForm } from '../kernels/attention/problem.js'
import { shaped } from '../shaped.js'
import { evaluateAt } from './hooks.js'
import { isConsecutive, type Places, placesTensor, queriesOf } from './places.js'
import { tfOps } from './tf-ops.js'

/** Where scores are, and the strategy's trained arrays. */
export interface AttentionBiasOptions {
  /** Positions of the keys; [K]. */
  readonly keys: Positions
  /** Positions of the queries, the last Q of the keys; [Q]. Default: those of all keys. */
  readonly queries?: Positions | undefined
  /** Values of the strategy's parameters by their names; none for a strategy that trains nothing. */
  readonly parameters?: ParameterValues<tf.Tensor> | undefined
}

/** The most specific form that attention takes for a strategy's bias at these places. */
export function biasForm({ bias }: PositionStrategy, places: Places, causal: boolean): BiasForm {
  if (!bias) return { kind: 'none' }
  if (places.byRow || (places.rows && bias.kind === 'pair')) return { kind: 'tiles' }
  if (bias.kind === 'linear') return { kind: 'linear', consecutive: isConsecutive(places) }
  return { kind: bias.kind === 'distance' && causal && isConsecutive(places) ? 'table' : 'tiles' }
}

/**
 * A strategy's bias as `attention` takes it, in its most specific form. Gradients reach the parameters.
 *
 * @throws RangeError or TypeError, one line, for no strategy, or positions that are none
 */
export function attentionBias(strategy: PositionStrategy, options: AttentionBiasOptions): AttentionBias {
  checkStrategy('attentionBias', strategy)
  if (!(options?.keys instanceof Int32Array)) fail('attentionBias', 'keys as an Int32Array', options?.keys, TypeError)
  const { keys, queries = keys, parameters = {} } = options
  const places = { keys, numQueries: queries.length, byRow: false }
  return biasOnDevice(strategy, biasForm(strategy, places, true), parameters, places)
}

/** The bias of a form that {@link biasForm} gave for these places. */
export function biasOnDevice(
  { name, bias }: PositionStrategy,
  form: BiasForm,
  parameters: ParameterValues<tf.Tensor>,
  places: Places,
): AttentionBias {
  if (!bias) return { kind: 'none' }
  const { keys, rows, numQueries } = places
  if (bias.kind === 'linear' && form.kind === 'linear')
    return {
      kind: 'linear',
      slopes: shaped('attentionBias', `slopes of ${name}`, bias.slopes(tfOps, parameters), [bias.numHeads]),
      queries: placesTensor(places, (at) => queriesOf(at.keys, at), [numQueries], 'int32'),
      keys: placesTensor(places, (at) => at.keys, [keys.length], 'int32'),
      consecutive: form.consecutive,
    }
  if (bias.kind === 'distance' && form.kind === 'table') {
    const table = bias.evaluate<tf.Tensor>(tfOps, parameters, positionRange(0, keys.length))
    return { kind: 'table', table: shaped('attentionBias', `bias of ${name}`, table, [bias.numHeads, keys.length]) }
  }
  const tileOf = (positionsOf: (places: Places) => Positions, { start, end, firstKey, numKeys }: Tile) =>
    evaluateAt(places, (ops, at) => {
      const positions = positionsOf(at)
      const queries = queriesOf(positions, at).subarray(start, end)
      return scoreBias(ops, bias, parameters, queries, positions.subarray(firstKey, numKeys))
    })
  if (!rows) return { kind: 'tiles', tiles: (tile) => tileOf((at) => at.keys, tile) }
  return {
    kind: 'tiles',
    byRow: true,
    tiles: (tile) => tf.stack(rows.map((_, row) => tileOf((at) => at.rows![row]!, tile))),
  }
}
