// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import { customGrad, innerGradients } from '../../custom-grad.js'
import type { AttentionBias, Tile } from '../bias.js'
import type { AttentionInputs, AttentionKernel } from '../kernel.js'
import type { AttentionProblem } from '../problem.js'
import { causalTiles, join } from '../tiled/tile.js'
import { tiled } from '../tiled/tiled.js'
import { attendRows } from './tile.js'

/**
 * The kernel for every feature that a pass may ask for. It computes a tile of queries at a time, in TensorFlow.js's
 * operations. The backward pass computes each tile again and uses the operations' own gradients, so memory stays that
 * of one tile.
 */
export const general: AttentionKernel = {
  name: 'general',
  takes: [
    ...tiled.takes,
    ...(['window', 'sinks', 'relative terms', 'rewritten scores', 'sink logit', 'all keys'] as const),
  ],
  refuses: () => undefined,
  run: attendGenerally,
}

type Tensors = Readonly<Record<string, tf.Tensor>>

function attendGenerally(problem: AttentionProblem, inputs: AttentionInputs): tf.Tensor4D {
  const { numQueries, numKeys, queriesPerTile, documentStarts } = problem
  const causal = causalTiles(numQueries, numKeys, queriesPerTile, documentStarts)
  const tiles = problem.asks.includes('all keys') ? causal.map((tile) => ({ ...tile, numKeys })) : causal
  const trained = trainedOf(problem, inputs, tiles)
  const attend = (given: Tensors) => {
    const saved = { ...constantsOf(inputs), ...given }
    const own = withTensors(inputs, saved)
    return { value: join(tiles.map((tile) => tf.tidy(() => attendRows(problem, own, tile)))) as tf.Tensor4D, saved }
  }
  return customGrad(trained, attend, (dy, saved) => gradients(problem, inputs, tiles, dy, saved, Object.keys(trained)))
}

/** The gradients of all tiles, added up. */
function gradients(
  problem: AttentionProblem,
  inputs: AttentionInputs,
  tiles: readonly Tile[],
  dy: tf.Tensor4D,
  saved: Tensors,
  names: readonly string[],
): Tensors {
  const sums = new Map<string, tf.Tensor>()
  const [B, H, , headDim] = dy.shape
  for (const tile of tiles) {
    const rows = tf.slice(dy, [0, 0, tile.start, 0], [B, H, tile.end - tile.start, headDim])
    const xs = names.map((name) => saved[name]!)
    const attend = () => attendRows(problem, withTensors(inputs, saved), tile)
    innerGradients(attend, xs, rows).forEach((gradient, i) => {
      if (!gradient) return
      const before = sums.get(names[i]!)
      sums.set(names[i]!, before ? tf.add(before, gradient) : gradient)
      if (before) tf.dispose([before, gradient])
    })
  }
  return Object.fromEntries(names.map((name) => [name, sums.get(name) ?? tf.zerosLike(saved[name]!)]))
}

/** The tensors that get gradients, by name. The tiles of a bias are inputs here: the caller made them. */
function trainedOf(problem: AttentionProblem, inputs: AttentionInputs, tiles: readonly Tile[]): Tensors {
  const { q, k, v, bias, gate, terms, rewrite, sink } = inputs
  const own = problem.asks.includes('trained bias') ? biasTensors(bias, tiles) : {}
  const { queryBias, queryTable, keyTable } = terms ?? {}
  const optional: Readonly<Record<string, tf.Tensor | undefined>> = { gate, sink, queryBias, queryTable, keyTable }
  const given = Object.entries(optional).filter(([, tensor]) => tensor !== undefined)
  const parameters = Object.entries(rewrite?.parameters ?? {}).map(([name, value]) => [`rewrite.${name}`, value])
  return { q, k, v, ...own, ...Object.fromEntries(given), ...Object.fromEntries(parameters) }
}

function biasTensors(bias: AttentionBias, tiles: readonly Tile[]): Tensors {
  if (bias.kind === 'linear') return { slopes: bias.slopes }
  if (bias.kind === 'table') return { table: bias.table }
  return bias.kind === 'tiles'
    ? Object.fromEntries(tiles.map((tile) => [`tile ${tile.index}`, bias.tiles({ ...tile, firstKey: 0 })]))
    : {}
}

/** The other tensors that the backward pass needs, by name. */
function constantsOf({ bias, padding, dropout, documents }: AttentionInputs): Tensors {
  const ofBias: Record<string, tf.Tensor> =
    bias.kind === 'linear'
      ? { slopes: bias.slopes, queries: bias.queries, keys: bias.keys }
      : bias.kind === 'table'
        ? { table: bias.table }
        : {}
  return {
    ...ofBias,
    ...(padding && { padding }),
    ...(documents && { documents }),
    ...(dropout && { seed: dropout.seed }),
  }
}

/** The inputs, with each tensor replaced by the one of the same name. */
function withTensors(inputs: AttentionInputs, tensors: Tensors): AttentionInputs {
  const { terms, rewrite, dropout } = inputs
  const named = tensors as Readonly<Record<string, never>>
  const parameters = Object.keys(rewrite?.parameters ?? {}).map((name) => [name, tensors[`rewrite.${name}`]!])
  return {
    q: named.q!,
    k: named.k!,
    v: named.v!,
    bias: biasWith(inputs.bias, tensors),
    padding: tensors.padding,
    documents: named.documents,
    gate: named.gate,
    sink: named.sink,
    dropout: dropout && { ...dropout, seed: named.seed! },
    terms: terms && { ...terms, queryBias: named.queryBias, queryTable: named.queryTable, keyTable: named.keyTable },
    rewrite: rewrite && { ...rewrite, parameters: Object.fromEntries(parameters) },
  }
}

function biasWith(bias: AttentionBias, tensors: Tensors): AttentionBias {
  const { slopes, queries, keys, table } = tensors as Readonly<Record<string, never>>
  if (bias.kind === 'linear') return { ...bias, slopes: slopes!, queries: queries!, keys: keys! }
  if (bias.kind === 'table') return { ...bias, table: table! }
  if (bias.kind !== 'tiles' || !tensors['tile 0']) return bias
  return { ...bias, tiles: ({ index, firstKey = 0, numKeys }) => cut(tensors[`tile ${index}`]!, firstKey, numKeys) }
}

/** The keys [first, end) of a tile that has all keys. */
function cut(tile: tf.Tensor, first: number, end: number): tf.Tensor {
  const last = tile.rank - 1
  return tf.slice(
    tile,
    tile.shape.map((_, axis) => (axis === last ? first : 0)),
    tile.shape.map((size, axis) => (axis === last ? end - first : size)),
  )
}
