// Letters: B batch, L tokens, D modelDim, H heads, Q/K queries/keys.
import { type PositionStrategy, type Positions, type Rotation, type RotationTables, rotationTables } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias } from '../kernels/attention/bias.js'
import type { PackedRotation } from '../kernels/attention/kernel.js'
import type { Kernels } from '../kernels/kernels.js'
import { toDevice } from '../kernels/plain/rotate.js'
import { packRotation } from '../kernels/webgpu/attention/rotation.js'
import type { LayerAttention } from './attend.js'
import { biasForm, biasOnDevice } from './attention-bias.js'
import { positionParametersOf, sharesParameters } from './position-parameters.js'
import { tfOps } from './tf-ops.js'

/** Where a forward pass's tokens are: the last `queries.length` of `keys` are new, the rest come from a cache. */
export interface Placement {
  readonly keys: Positions
  readonly numQueries: number
  /** Left padding of each row, in tokens: row b's first real token is at its position 0. */
  readonly padding?: Int32Array | undefined
}

/** What of a strategy's hooks a pass's kernels need on the device. */
interface Needed {
  readonly layers: readonly LayerAttention[]
  readonly kernels: Kernels
}

/** A strategy's hooks evaluated for one forward pass: each is one tensor operation or none. */
export interface PositionEncoding {
  /** Adds the position embedding; x and the result are [B, L, D]. */
  embed(x: tf.Tensor3D): tf.Tensor3D
  /** [B, H, Q, headDim] */
  rotateQueries(q: tf.Tensor4D): tf.Tensor4D
  /** New keys when rotated keys may be cached, else all keys; [B, H, *, headDim]. */
  rotateKeys(k: tf.Tensor4D): tf.Tensor4D
  /** For kernels that turn queries and keys themselves; undefined without a rotation, or where no layer has such a kernel. */
  readonly packedRotation: PackedRotation | undefined
  /** The bias of a layer's scores. */
  bias(layer: number): AttentionBias
  /** Whether a cache holds keys after rotation (true) or before it. */
  readonly cacheRotated: boolean
}

/** Evaluates a strategy's hooks for one forward pass; tables are made once for all layers. Call within tf.tidy. */
export function encodePositions(
  strategy: PositionStrategy,
  parameters: ReadonlyMap<string, tf.Variable>,
  headDim: number,
  placement: Placement,
  { layers, kernels }: Needed,
): PositionEncoding {
  const { embedding, rotation, bias } = strategy
  const { keys, numQueries, padding } = placement
  const queries = keys.subarray(keys.length - numQueries)
  if (padding && bias?.kind === 'pair')
    throw new RangeError(
      `forward: expected no padding with the pair bias of ${strategy.name}, got padded rows; run rows of different lengths one by one`,
    )
  const centred = rotation !== undefined && isCentred(rotation)
  const cacheRotated = !centred && (rotation?.cacheable ?? true)
  const tables = (side: 'query' | 'key', positions: Positions) =>
    rotation &&
    fitting(strategy, rotationTables(rotation, headDim, centred ? centre(positions, keys) : positions, side))
  const queryTables = tables('query', queries)
  const keyTables = tables('key', cacheRotated ? queries : keys)
  // Made here, not in the first block, and only what a layer reads: what a block makes does not outlive it.
  const someSplit = layers.some(({ projected }) => !projected)
  const queryRotation = queryTables && someSplit ? toDevice(queryTables) : undefined
  const keyRotation = keyTables && someSplit ? toDevice(keyTables) : undefined
  const someProjected = layers.some(({ projected }) => projected)

  const form = biasForm(strategy, keys)
  const makeBias = (layer: number) =>
    biasOnDevice(strategy, form, positionParametersOf(strategy, parameters, layer), queries, keys)
  const shared = sharesParameters(strategy) ? makeBias(0) : undefined
  return {
    cacheRotated,
    embed(x) {
      if (!embedding) return x
      const [B, L, D] = x.shape
      // Rows that begin with padding start counting later, so each has positions of its own.
      const places = padding
        ? Int32Array.from({ length: B * L }, (_, i) => Math.max(0, queries[i % L]! - padding[Math.floor(i / L)]!))
        : queries
      const rows = embedding.evaluate(tfOps, positionParametersOf(strategy, parameters, 0), places)
      return tf.add(x, tf.reshape(rows, [padding ? B : 1, L, D]))
    },
    rotateQueries: (q) => (queryRotation ? kernels.applyRotation(q, queryRotation) : q),
    rotateKeys: (k) => (keyRotation ? kernels.applyRotation(k, keyRotation) : k),
    packedRotation: queryTables && keyTables && someProjected ? packRotation(queryTables, keyTables) : undefined,
    bias: (layer) => shared ?? makeBias(layer),
  }
}

/**
 * Whether positions may be counted from anywhere: with magnitudes (xPos) they must be, as factors of absolute positions leave
 * fp32. Keys are then cached before rotation.
 */
const isCentred = ({ magnitudes, relative = true }: Rotation) => magnitudes !== undefined && relative

/** Positions counted from the middle of the pass: half as far from 0 as from its first key. */
function centre(positions: Positions, keys: Positions): Positions {
  const middle = keys[keys.length >> 1]!
  return positions.map((position) => position - middle)
}

/** @throws RangeError for factors that fp32 cannot hold: they would become NaN in products */
function fitting({ name }: PositionStrategy, tables: RotationTables): RotationTables {
  const beyond = [tables.cos, tables.sin].flatMap((table) => table.find((x) => !Number.isFinite(Math.fround(x))) ?? [])
  if (beyond.length)
    throw new RangeError(
      `forward: expected a rotation of ${name} that float32 can hold, got a factor of ${beyond[0]}; read fewer tokens at once`,
    )
  return tables
}
