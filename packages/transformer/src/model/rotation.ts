// Letters: B batch, L tokens, H heads.
import {
  type ParameterValues,
  type PositionStrategy,
  type Positions,
  type Rotation,
  type RotationTables,
  rotationTables,
  trainedRotationTables,
} from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { PackedRotation } from '../kernels/attention/kernel.js'
import { packTables } from '../kernels/attention/packed-rotation.js'
import type { Kernels } from '../kernels/kernels.js'
import { type DeviceRotation, swapOf, toDevice } from '../kernels/plain/rotate.js'
import { evaluateAt, keepLast } from './hooks.js'
import { type Places, placesTensor, queriesOf } from './places.js'

/** A strategy's rotation in one forward pass. */
export interface LayerRotation {
  /** Rotates queries; [B, H, Q, headDim]. */
  queries(q: tf.Tensor4D): tf.Tensor4D
  /** Rotates the new keys if rotated keys may be cached, else all keys; [B, H, *, headDim]. */
  keys(k: tf.Tensor4D): tf.Tensor4D
}

/** Whether a cache holds keys after rotation (true) or before it. */
export const cachesRotated = ({ rotation }: PositionStrategy): boolean =>
  !rotation || (!isCentred(rotation) && rotation.cacheable)

/** Whether kernels can turn queries and keys themselves: they need the same fixed angles for all heads and rows. */
export const isPackable = (strategy: PositionStrategy, places: Places): boolean =>
  !strategy.rotation ||
  (strategy.rotation.numHeads === undefined && !strategy.rotation.trainedAngles && !differsByRow(strategy, places))

/** The rotation for kernels that turn queries and keys themselves. */
export function packedRotation(
  strategy: PositionStrategy,
  headDim: number,
  places: Places,
): PackedRotation | undefined {
  if (!strategy.rotation) return undefined
  const tablesAt = keepLast((at: Places) =>
    (['query', 'key'] as const).map((side) => tablesOf(strategy, headDim, at, side)[0]!),
  )
  const numbersAt = (at: Places) => {
    const [queries, keys] = tablesAt(at)
    return packTables(queries!, keys!)
  }
  const [{ partner }] = tablesAt(places) as [RotationTables, RotationTables]
  const shape: [number] = [4 * places.numQueries * headDim]
  return { table: placesTensor(places, numbersAt, shape, 'float32'), pairStride: partner[0]! }
}

/** Evaluates a rotation at the positions of a pass. Applying it is one kernel call each for queries and keys. */
export function rotationOnDevice(
  strategy: PositionStrategy,
  parameters: ParameterValues<tf.Tensor>,
  headDim: number,
  places: Places,
  kernels: Kernels,
): LayerRotation {
  const { rotation } = strategy
  if (!rotation) return { queries: (q) => q, keys: (k) => k }
  if (rotation.trainedAngles) {
    const [queries, keys] = (['query', 'key'] as const).map((side) =>
      trainedTables(strategy, parameters, headDim, places, side),
    )
    return { queries: (q) => turn(q, queries!), keys: (k) => turn(k, keys!) }
  }
  const [queries, keys] = (['query', 'key'] as const).map((side) => {
    const tablesAt = keepLast((at: Places) => tablesOf(strategy, headDim, at, side))
    return toDevice(tablesAt(places), rotation.numHeads, (numbersOf, shape) =>
      placesTensor(places, (at) => numbersOf(tablesAt(at)), shape as [number], 'float32'),
    )
  })
  return { queries: (q) => kernels.applyRotation(q, queries!), keys: (k) => kernels.applyRotation(k, keys!) }
}

/**
 * Whether rows need tables of their own. They do if the caller gave each row its positions, or if rows have different
 * positions and more than distances matters: in a rotation that is not relative or reads each row's length, and for terms
 * and scores, which read rotated queries and keys.
 */
function differsByRow({ rotation, terms, scores }: PositionStrategy, { rows, byRow }: Places): boolean {
  if (rows === undefined) return false
  return byRow || rotation?.relative === false || rotation?.cacheable === false || Boolean(terms ?? scores)
}

/**
 * The positions of one side with the length of the pass: one entry for all rows, or one for each row if rows differ.
 */
function positionsOf(strategy: PositionStrategy, places: Places, side: 'query' | 'key') {
  const rotation = strategy.rotation!
  const all = differsByRow(strategy, places) ? places.rows! : [places.keys]
  return all.map((keys) => {
    const centred = isCentred(rotation) ? centre(keys) : keys
    const isNew = side === 'query' || cachesRotated(strategy)
    return {
      positions: isNew ? queriesOf(centred, places) : centred,
      length: keys.reduce((last, position) => Math.max(last, position), -1) + 1,
    }
  })
}

function tablesOf(
  strategy: PositionStrategy,
  headDim: number,
  places: Places,
  side: 'query' | 'key',
): RotationTables[] {
  return positionsOf(strategy, places, side).map(({ positions, length }) =>
    fitting(strategy, rotationTables(strategy.rotation!, headDim, positions, side, length)),
  )
}

/** Cosines and sines of trained angles; [B or 1, H or 1, L, headDim]. */
function trainedTables(
  strategy: PositionStrategy,
  parameters: ParameterValues<tf.Tensor>,
  headDim: number,
  places: Places,
  side: 'query' | 'key',
): DeviceRotation {
  const all = evaluateAt(places, (ops, at) =>
    positionsOf(strategy, at, side).map(({ positions }) =>
      trainedRotationTables(ops, strategy.rotation!, parameters, headDim, positions, side),
    ),
  )
  const joined = (tables: readonly tf.Tensor[]) => tf.stack([...tables])
  return {
    cos: joined(all.map(({ cos }) => cos)),
    sin: joined(all.map(({ sin }) => sin)),
    swap: swapOf(all[0]!.partner),
  }
}

/** x·cos + swap(x)·sin, with gradients that also reach the tables. */
function turn(x: tf.Tensor4D, { cos, sin, swap }: DeviceRotation): tf.Tensor4D {
  const swapped = tf.reshape(tf.matMul(tf.reshape(x, [-1, swap.shape[0]]) as tf.Tensor2D, swap), x.shape)
  return tf.add(tf.mul(x, cos), tf.mul(swapped, sin))
}

/**
 * Whether positions are counted from the middle of the pass. A relative rotation with magnitudes (xPos) needs this,
 * because the factors of large positions do not fit in fp32. A cache then holds keys before rotation.
 */
const isCentred = ({ magnitudes, relative = true }: Rotation) => magnitudes !== undefined && relative

/** Positions counted from the middle of the pass, so that the largest is half as far from 0. */
function centre(keys: Positions): Positions {
  const middle = keys[keys.length >> 1]!
  return keys.map((position) => position - middle)
}

/** @throws RangeError for factors that fp32 cannot hold, because products would turn them into NaN */
function fitting({ name }: PositionStrategy, tables: RotationTables): RotationTables {
  const beyond = [tables.cos, tables.sin].flatMap((table) => table.find((x) => !Number.isFinite(Math.fround(x))) ?? [])
  if (beyond.length)
    throw new RangeError(
      `forward: expected a rotation of ${name} that float32 can hold, got a factor of ${beyond[0]}; read fewer tokens at once`,
    )
  return tables
}
