// Letters: B batch, L tokens, D modelDim, H heads, Q/K queries/keys.
import {
  checkStrategy,
  type ParameterSpec,
  type ParameterValues,
  type PositionStrategy,
  type Positions,
  positionRange,
  rotationTables,
  scopeOf,
  scoreBias,
} from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { ModelConfig } from '../config.js'
import type { AttentionBias, Tile } from '../kernels/attention/bias-tile.js'
import { applyRotation, toDevice } from '../kernels/plain/rotate.js'
import { type PackedRotation, packRotation } from '../kernels/webgpu/attention/rotation.js'
import { tfOps } from './tf-ops.js'

/** Where a forward pass's tokens are: the last `queries.length` of `keys` are new, the rest come from a cache. */
export interface Placement {
  readonly keys: Positions
  readonly numQueries: number
  /** Left padding of each row, in tokens: row b's first real token is at its position 0. */
  readonly padding?: Int32Array | undefined
}

/** A strategy's hooks evaluated for one forward pass: each is one tensor operation or none. */
export interface PositionEncoding {
  /** Adds the position embedding; x and the result are [B, L, D]. */
  embed(x: tf.Tensor3D): tf.Tensor3D
  /** [B, H, Q, headDim] */
  rotateQueries(q: tf.Tensor4D): tf.Tensor4D
  /** New keys when rotated keys may be cached, else all keys; [B, H, *, headDim]. */
  rotateKeys(k: tf.Tensor4D): tf.Tensor4D
  /** For the kernels that turn queries and keys themselves. */
  readonly packedRotation: PackedRotation | undefined
  /** The bias of a layer's scores. */
  bias(layer: number): AttentionBias
  readonly trainBias: boolean
  /** Whether a cache holds keys after rotation (true) or before it. */
  readonly cacheRotated: boolean
}

/**
 * The trainable arrays a strategy needs in a model, by their names in a checkpoint.
 *
 * @throws TypeError or RangeError if the strategy does not fit the model
 */
export function positionParameters(strategy: PositionStrategy, config: Required<ModelConfig>) {
  const version: unknown = strategy?.specVersion
  if (typeof version === 'number' && version !== 1)
    throw new TypeError(
      `createModel: expected strategy ${strategy.name} of specVersion 1, got ${version}; update @alibi/transformer, or take a release of the strategy for this version`,
    )
  checkStrategy('createModel', strategy)
  const { embedding, rotation, bias, name } = strategy
  const fit = (what: string, got: number | undefined, want: number, ok = got === want) => {
    if (got !== undefined && !ok)
      throw new RangeError(
        `createModel: expected strategy ${name} with ${what} ${want}, got ${got}; make it for this model`,
      )
  }
  fit('modelDim', embedding?.modelDim, config.modelDim)
  fit('numHeads', bias?.numHeads, config.numHeads)
  const headDim = config.modelDim / config.numHeads
  fit('rotaryDim at most', rotation?.rotaryDim, headDim, (rotation?.rotaryDim ?? 0) <= headDim)
  const specs: Record<string, ParameterSpec> = {}
  // Layer by layer: the order decides which random numbers each starts with.
  for (let layer = 0; layer < config.numLayers; layer++)
    for (const [key, spec] of Object.entries(strategy.parameters ?? {}))
      specs[positionParameterName(strategy, key, layer)] ??= spec
  return specs
}

/**
 * The name in a checkpoint of a strategy's parameter, as a layer reads it.
 *
 * @param layer - from 0; without meaning for a parameter of the whole model
 * @throws RangeError for a parameter that the strategy does not declare
 */
export const positionParameterName = (strategy: PositionStrategy, key: string, layer: number): string =>
  scopeOf(strategy, key) === 'layer' ? `layers.${layer}.position.${key}` : `position.${key}`

function ownParameters(strategy: PositionStrategy, all: ReadonlyMap<string, tf.Variable>, layer: number) {
  const keys = Object.keys(strategy.parameters ?? {})
  return Object.fromEntries(keys.map((key) => [key, all.get(positionParameterName(strategy, key, layer))!]))
}

const hasLayerParameters = (strategy: PositionStrategy) =>
  Object.keys(strategy.parameters ?? {}).some((key) => scopeOf(strategy, key) === 'layer')

/** Evaluates a strategy's hooks for one forward pass; tables are made once for all layers. Call within tf.tidy. */
export function encodePositions(
  strategy: PositionStrategy,
  parameters: ReadonlyMap<string, tf.Variable>,
  headDim: number,
  placement: Placement,
): PositionEncoding {
  const { embedding, rotation, bias } = strategy
  const { keys, numQueries, padding } = placement
  const queries = keys.subarray(keys.length - numQueries)
  if (padding && bias?.kind === 'pair')
    throw new RangeError(
      `forward: expected no padding with the pair bias of ${strategy.name}, got padded rows; run rows of different lengths one by one`,
    )
  const cacheRotated = rotation?.cacheable ?? true
  const queryTables = rotation && rotationTables(rotation, headDim, queries, 'query')
  const keyTables = rotation && rotationTables(rotation, headDim, cacheRotated ? queries : keys, 'key')
  const queryRotation = queryTables && toDevice(queryTables)
  const keyRotation = keyTables && toDevice(keyTables)

  const makeBias = (layer: number) => deviceBias(strategy, ownParameters(strategy, parameters, layer), queries, keys)
  // Made here, not in the first block: what a block makes does not outlive it.
  const shared = hasLayerParameters(strategy) ? undefined : makeBias(0)
  return {
    cacheRotated,
    trainBias: strategy.parameters !== undefined && bias !== undefined,
    embed(x) {
      if (!embedding) return x
      const [B, L, D] = x.shape
      // Rows that begin with padding start counting later, so each has positions of its own.
      const places = padding
        ? Int32Array.from({ length: B * L }, (_, i) => Math.max(0, queries[i % L]! - padding[Math.floor(i / L)]!))
        : queries
      const rows = embedding.evaluate(tfOps, ownParameters(strategy, parameters, 0), places)
      return tf.add(x, tf.reshape(rows, [padding ? B : 1, L, D]))
    },
    rotateQueries: (q) => (queryRotation ? applyRotation(q, queryRotation) : q),
    rotateKeys: (k) => (keyRotation ? applyRotation(k, keyRotation) : k),
    packedRotation:
      queryTables && keyTables && numQueries === keys.length && tf.getBackend() === 'webgpu'
        ? packRotation(queryTables, keyTables)
        : undefined,
    bias: (layer) => shared ?? makeBias(layer),
  }
}

/** The most specific form that attention knows for these positions. */
function deviceBias(
  { bias }: PositionStrategy,
  parameters: ParameterValues<tf.Tensor>,
  queries: Positions,
  keys: Positions,
): AttentionBias {
  if (!bias) return { kind: 'none' }
  if (bias.kind === 'linear')
    return {
      kind: 'linear',
      slopes: bias.slopes(tfOps, parameters),
      queries: tf.tensor1d(Float32Array.from(queries)),
      keys: tf.tensor1d(Float32Array.from(keys)),
      consecutive: isConsecutive(keys),
    }
  if (bias.kind === 'distance' && isConsecutive(keys))
    return { kind: 'table', table: bias.evaluate(tfOps, parameters, positionRange(0, keys.length)) }
  const tiles = ({ start, end, firstKey, numKeys }: Tile) =>
    scoreBias(tfOps, bias, parameters, queries.subarray(start, end), keys.subarray(firstKey, numKeys))
  return { kind: 'tiles', tiles }
}

/** Whether each position is the one before plus 1. */
function isConsecutive(positions: Positions): boolean {
  return positions.every((p, i) => p === positions[0]! + i)
}
