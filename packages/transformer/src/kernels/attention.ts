// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import { type AttentionBias, penalties, sumDiagonals, type Tile, toeplitz } from './bias-tile.js'
import { keepMask } from './dropout.js'
import { skippingAttention } from './skipping.js'
import { canFuse, fusedAttention } from './webgpu/attention.js'

/** Added where a query must not look. Finite, so that a row with nothing to see (padding) stays finite. */
export const MASKED = -1e30

export interface AttentionOptions {
  readonly bias: AttentionBias
  /** Whether gradients reach the bias: its slopes, table or tiles are trained. */
  readonly trainBias: boolean
  /** Queries taken at a time. */
  readonly blockSize: number
  /** True for keys that no query may attend to (left padding); 1 or 0, shape [B, 1, 1, K]. */
  readonly padding?: tf.Tensor | undefined
  /** Drops attention weights in training; the seed, int32 [2], makes the backward pass drop the same ones. */
  readonly dropout?: { readonly rate: number; readonly seed: tf.Tensor1D } | undefined
}

/**
 * Causal attention, softmax(q·kᵀ/√headDim + bias)·v, a block of queries against the keys up to it at a time: no work
 * above the diagonal and memory linear in K. The backward pass keeps only q, k and v and computes each block's weights
 * again (FlashAttention's idea; Dao et al., 2022).
 *
 * The queries are the last Q of the K tokens, as in decoding from a cache.
 *
 * @param q - shape [B, H, Q, headDim]
 * @param k - shape [B, H, K, headDim]
 * @param v - shape [B, H, K, headDim]
 * @returns shape [B, H, Q, headDim]
 */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, options: AttentionOptions): tf.Tensor4D {
  const { bias, padding, dropout } = options
  const [batchSize, numHeads, numQueries, headDim] = q.shape
  if (!dropout && canFuse(options, { batchSize, numHeads, numQueries, numKeys: k.shape[2], headDim }))
    return fusedAttention(q, k, v, options)
  if (bias.kind === 'linear' && bias.consecutive && !padding && !dropout && mayReadOnTheWay(q)) {
    const skipped = skippingAttention(q, k, v, bias.slopes.dataSync(), Math.max(LONG_BLOCK, options.blockSize))
    if (skipped) return skipped.output
  }
  const tiles = causalTiles(q.shape[2], k.shape[2], options.blockSize)
  const trained = options.trainBias ? biasTensors(options.bias, tiles) : []
  const constants = constantsOf(options)
  const forward = tf.customGrad((...inputs) => {
    const save = inputs.pop() as unknown as tf.GradSaveFunc
    const [q, k, v, ...bias] = inputs as tf.Tensor[]
    const outputs = tiles.map((tile) =>
      tf.tidy(() => {
        const { weights, values } = attendTile(q!, k!, v!, bias, tile, options)
        return tf.matMul(weights, values)
      }),
    )
    // Constants outlive the forward pass's tidy only if they are saved.
    save([...(inputs as tf.Tensor[]), ...constants.tensors])
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      attentionGradients(dy, saved.slice(0, inputs.length), tiles, constants.replace(saved.slice(inputs.length)))
    return { value: join(outputs), gradFunc }
  })
  return forward(q, k, v, ...trained) as tf.Tensor4D
}

/** Queries from which on looking at the norms of q and k pays: reading them stops the device for a moment. */
const LONG = 1024

/** Its tiles are larger than blockSize: 16,384 tokens took 4.3 s in tiles of 512, 5.3 in 256, 7.1 in 128 (2 threads). */
const LONG_BLOCK = 512

/** Whether this pass is long, needs no gradient, and may wait for numbers on the host. */
const mayReadOnTheWay = (q: tf.Tensor4D) =>
  q.shape[2] >= LONG && tf.getBackend() !== 'webgpu' && tf.engine().state.gradientDepth === 0

/** Blocks of at most `blockSize` queries, in order. */
function causalTiles(numQueries: number, numKeys: number, blockSize: number): Tile[] {
  return Array.from({ length: Math.ceil(numQueries / blockSize) }, (_, index) => {
    const end = Math.min((index + 1) * blockSize, numQueries)
    return { index, start: index * blockSize, end, numKeys: numKeys - numQueries + end }
  })
}

/** The tensors through which a bias is trained. */
function biasTensors(bias: AttentionBias, tiles: readonly Tile[]): tf.Tensor[] {
  if (bias.kind === 'none') return []
  if (bias.kind === 'linear') return [bias.slopes]
  return bias.kind === 'table' ? [bias.table] : tiles.map(bias.tiles)
}

/** The tensors in the options that are not inputs of the gradient, and the options with others in their place. */
function constantsOf(options: AttentionOptions) {
  const { bias, trainBias, padding, dropout } = options
  const ofBias: Record<string, tf.Tensor> = {}
  if (bias.kind === 'linear') Object.assign(ofBias, { queries: bias.queries, keys: bias.keys })
  if (bias.kind === 'linear' && !trainBias) ofBias.slopes = bias.slopes
  if (bias.kind === 'table' && !trainBias) ofBias.table = bias.table
  const names = Object.keys(ofBias)
  return {
    tensors: [...Object.values(ofBias), ...(padding ? [padding] : []), ...(dropout ? [dropout.seed] : [])],
    replace(tensors: readonly tf.Tensor[]): AttentionOptions {
      const left = [...tensors]
      const own = Object.fromEntries(names.map((name) => [name, left.shift()]))
      return {
        ...options,
        bias: { ...bias, ...own } as AttentionBias,
        padding: padding && left.shift(),
        dropout: dropout && { ...dropout, seed: left.shift() as tf.Tensor1D },
      }
    },
  }
}

function attendTile(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  trained: readonly tf.Tensor[],
  tile: Tile,
  { bias, padding, dropout }: AttentionOptions,
) {
  const [B, H, , headDim] = q.shape as [number, number, number, number]
  const rows = tile.end - tile.start
  const queries = tf.mul(tf.slice(q, [0, 0, tile.start, 0], [B, H, rows, headDim]), 1 / Math.sqrt(headDim))
  const keys = tf.slice(k, [0, 0, 0, 0], [B, H, tile.numKeys, headDim])
  const values = tf.slice(v, [0, 0, 0, 0], [B, H, tile.numKeys, headDim])
  let scores = tf.add(tf.matMul(queries, keys, false, true), biasTile(bias, trained, tile))
  if (padding) scores = tf.add(scores, tf.mul(tf.slice(padding, [0, 0, 0, 0], [B, 1, 1, tile.numKeys]), MASKED))
  const probabilities = tf.softmax(scores)
  // A seed of its own for each tile: uses are 4096 apart.
  const kept =
    dropout && keepMask(probabilities.shape, dropout.rate, tf.add(dropout.seed, tf.tensor1d([0, tile.index], 'int32')))
  return { queries, keys, values, probabilities, kept, weights: kept ? tf.mul(probabilities, kept) : probabilities }
}

/** Bias and causal mask of one tile; [queries, keys] or [H, queries, keys]. */
function biasTile(bias: AttentionBias, trained: readonly tf.Tensor[], tile: Tile): tf.Tensor {
  const mask = causalMask(tile)
  if (bias.kind === 'none') return mask
  if (bias.kind === 'linear') {
    const slopes = tf.reshape(trained[0] ?? bias.slopes, [-1, 1, 1])
    return tf.add(tf.mul(slopes, penalties(bias.queries, bias.keys, tile)), mask)
  }
  if (bias.kind === 'table') return tf.add(toeplitz(trained[0] ?? bias.table, tile), mask)
  return tf.add(trained[tile.index] ?? bias.tiles(tile), mask)
}

/** 0 where key ≤ query, else at most {@link MASKED}; made on the device, so nothing of size L² crosses from the host. */
function causalMask({ start, end, numKeys }: Tile): tf.Tensor2D {
  const rows = end - start
  const query = tf.reshape(tf.range(numKeys - rows, numKeys), [-1, 1])
  return tf.mul(tf.relu(tf.sub(tf.reshape(tf.range(0, numKeys), [1, -1]), query)), MASKED) as tf.Tensor2D
}

function attentionGradients(dy: tf.Tensor, saved: tf.Tensor[], tiles: readonly Tile[], options: AttentionOptions) {
  const [q, k, v, ...trained] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, ...tf.Tensor[]]
  const [B, H, , headDim] = q.shape as [number, number, number, number]
  const K = k.shape[2]!
  const toFullLength = (x: tf.Tensor, { numKeys }: Tile) =>
    numKeys === K
      ? x
      : tf.pad(x, [
          [0, 0],
          [0, 0],
          [0, K - numKeys],
          [0, 0],
        ])

  const parts = tiles.map((tile) =>
    tf.tidy(() => {
      const { queries, keys, values, probabilities, kept, weights } = attendTile(q, k, v, trained, tile, options)
      const d = tf.slice(dy, [0, 0, tile.start, 0], [B, H, tile.end - tile.start, headDim])
      const dWeights = tf.matMul(d, values, false, true)
      const dProbabilities = kept ? tf.mul(dWeights, kept) : dWeights
      const weighted = tf.mul(probabilities, dProbabilities)
      const dScores = tf.sub(weighted, tf.mul(probabilities, tf.sum(weighted, 3, true)))
      return {
        dq: tf.mul(tf.matMul(dScores, keys), 1 / Math.sqrt(headDim)),
        dk: toFullLength(tf.matMul(dScores, queries, true, false), tile),
        dv: toFullLength(tf.matMul(weights, d, true, false), tile),
        dBias: trained.length ? biasGradient(options.bias, tf.sum(dScores, 0), tile, K) : tf.scalar(0),
      }
    }),
  )
  const dBias = parts.map((part) => part.dBias)
  return [
    join(parts.map((part) => part.dq)),
    tf.addN(parts.map((part) => part.dk)),
    tf.addN(parts.map((part) => part.dv)),
    ...(options.bias.kind === 'tiles' ? dBias.slice(0, trained.length) : trained.length ? [tf.addN(dBias)] : []),
  ]
}

/** @param dScores - [H, queries, keys], summed over the batch */
function biasGradient(bias: AttentionBias, dScores: tf.Tensor, tile: Tile, K: number): tf.Tensor {
  if (bias.kind === 'linear') return tf.sum(tf.mul(dScores, penalties(bias.queries, bias.keys, tile)), [1, 2])
  return bias.kind === 'table' ? sumDiagonals(dScores as tf.Tensor3D, tile, K) : dScores
}

const join = (blocks: tf.Tensor[]) => (blocks.length === 1 ? blocks[0]! : tf.concat(blocks, 2))
