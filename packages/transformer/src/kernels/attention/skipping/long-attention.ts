// Letters: B batch, H heads, Q/K queries/keys.
import { fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias } from '../bias.js'
import type { AttentionInputs, AttentionKernel } from '../kernel.js'
import type { AttentionProblem } from '../problem.js'
import { attendTile, causalTiles, join } from '../tiled/tile.js'
import { tiled } from '../tiled/tiled.js'
import { type KeyRange, type KnownBias, keyRanges } from './key-ranges.js'
import { scoreBounds } from './score-bounds.js'
import { LARGEST_SCORE, skippingAttention } from './skipping.js'

/** Queries from which on looking at the norms of q and k pays: reading them stops the device for a moment. */
const LONG = 1024

/**
 * Its tiles are larger than queriesPerTile: 16,384 tokens took 4.3 s in tiles of 512, 5.3 in 256, 7.1 in 128 (2 threads). A batch
 * fills an operation with fewer queries a row.
 */
const LONG_TILE = 512

/** Causal attention without gradients, over the keys that have any weight: what a long evaluation takes. */
export const skipping: AttentionKernel = {
  name: 'skipping',
  takes: ['linear bias', 'table bias', 'gate'],
  refuses({ backend, trains, compiled, numQueries, asks }) {
    if (trains) return 'has no gradients'
    if (compiled) return 'reads numbers on the host, which a graph cannot'
    if (backend === 'webgpu') return 'reads numbers on the host, which webgpu would wait for'
    if (numQueries < LONG) return `is for ${LONG} queries or more`
    return asks.length ? undefined : 'needs a bias that falls with distance, or a gate'
  },
  run: (problem, inputs) => attendCounting(problem, inputs) ?? tiled.run(problem, inputs),
}

/** @returns shape [B, H, Q, headDim]; undefined where every key counts */
function attendCounting(problem: AttentionProblem, inputs: AttentionInputs): tf.Tensor4D | undefined {
  const { q, k, v, bias, gate } = inputs
  const { batchSize, numHeads, numQueries, numKeys, queriesPerTile, skipTolerance: tolerance } = problem
  const known = readBias(bias, numHeads)
  const shape = { numQueries, numKeys, tolerance }
  if ('slopes' in known && !gate) {
    const tileSize = Math.max(Math.floor(LONG_TILE / batchSize), queriesPerTile)
    const bounds = scoreBounds(q, k, tileSize)
    if (bounds.every(({ upper }) => upper.every((score) => score <= LARGEST_SCORE))) {
      const ranges = keyRanges(known, bounds, { ...shape, tileSize })
      return skippingAttention(q, k, v, known.slopes, ranges, tileSize).output
    }
  }
  const bounds = scoreBounds(q, k, queriesPerTile)
  const sums = gate?.dataSync<'float32'>()
  const ranges = keyRanges(known, bounds, { ...shape, tileSize: queriesPerTile }, sums)
  const allCount = ranges.every(({ first }) => first.every((key) => key < queriesPerTile))
  return allCount ? undefined : attendRanges(inputs, ranges, queriesPerTile)
}

/** The bias on the host, where distances are those of indices. */
function readBias(bias: AttentionBias, numHeads: number): KnownBias {
  if (bias.kind === 'none') return { slopes: new Float32Array(numHeads) }
  if (bias.kind === 'linear') return { slopes: bias.slopes.dataSync() }
  if (bias.kind === 'table') return { table: bias.table.dataSync(), length: bias.table.shape[1]! }
  return fail('attention', 'a bias by distance, or none', `one of kind ${bias.kind}`, TypeError)
}

/** Heads that need the same keys go together. */
function attendRanges(
  { q, k, v, bias, gate }: AttentionInputs,
  ranges: readonly KeyRange[],
  tileSize: number,
): tf.Tensor4D {
  const H = q.shape[1]
  const tiles = causalTiles(q.shape[2], k.shape[2], tileSize)
  // Rounded down so that more heads agree.
  const firstKeys = Array.from({ length: H }, (_, head) =>
    ranges.map(({ first }) => first[head]! - (first[head]! % tileSize)),
  )
  const groups = new Map<string, number[]>()
  for (const [head, keys] of firstKeys.entries()) groups.set(keys.join(), [...(groups.get(keys.join()) ?? []), head])
  return tf.tidy(() => {
    const outputs = [...groups.values()].map((heads) => {
      const indices = tf.tensor1d(heads, 'int32')
      const [queries, keys, values] = [q, k, v].map((x) => tf.gather(x, indices, 1)) as [
        tf.Tensor4D,
        tf.Tensor4D,
        tf.Tensor4D,
      ]
      const gates = gate && (tf.gather(gate, indices, 1) as tf.Tensor3D)
      const own = { q: queries, k: keys, v: values, bias: biasOf(bias, indices), gate: gates }
      const parts = tiles.map((tile, i) =>
        tf.tidy(() => {
          const counting = { ...tile, firstKey: firstKeys[heads[0]!]![i]! }
          const attended = attendTile(own, counting)
          return tf.matMul(attended.weights, attended.values)
        }),
      )
      return join(parts)
    })
    const order = [...groups.values()].flat()
    const back = Array.from({ length: H }, (_, head) => order.indexOf(head))
    return tf.gather(tf.concat(outputs, 1), tf.tensor1d(back, 'int32'), 1) as tf.Tensor4D
  })
}

/** The bias of some heads alone. */
function biasOf(bias: AttentionBias, heads: tf.Tensor1D): AttentionBias {
  if (bias.kind === 'linear') return { ...bias, slopes: tf.gather(bias.slopes, heads) }
  return bias.kind === 'table' ? { ...bias, table: tf.gather(bias.table, heads) } : bias
}
