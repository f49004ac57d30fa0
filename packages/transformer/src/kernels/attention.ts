// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import { type AttentionBias, penalties, sumDiagonals, type Tile, toeplitz } from './bias-tile.js'
import { customGrad } from './custom-grad.js'
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
 * above the diagonal and memory linear in K. The backward pass keeps only q, k, v and the output and computes each block's
 * weights again (FlashAttention's idea; Dao et al., 2022).
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
    const skipped = skippingAttention(q, k, v, bias.slopes.dataSync(), {
      blockSize: Math.max(LONG_BLOCK, options.blockSize),
    })
    if (skipped) return skipped.output
  }
  const tiles = causalTiles(q.shape[2], k.shape[2], options.blockSize)
  const trained = options.trainBias ? biasTensors(options.bias, tiles) : []
  const constants = constantsOf(options)
  const forward = customGrad((inputs, save) => {
    const [q, k, v, ...bias] = inputs
    const outputs = tiles.map((tile) =>
      tf.tidy(() => {
        const { weights, values } = attendTile(q!, k!, v!, bias, tile, options)
        return tf.matMul(weights, values)
      }),
    )
    const value = join(outputs)
    save([value, ...inputs, ...constants.tensors])
    const gradient = (dy: tf.Tensor, [output, ...saved]: readonly tf.Tensor[]) =>
      attentionGradients(
        dy,
        output!,
        saved.slice(0, inputs.length),
        tiles,
        constants.replace(saved.slice(inputs.length)),
      )
    return { value, gradient }
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

function attentionGradients(
  dy: tf.Tensor,
  output: tf.Tensor,
  saved: tf.Tensor[],
  tiles: readonly Tile[],
  options: AttentionOptions,
) {
  const [q, k, v, ...trained] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, ...tf.Tensor[]]
  const [B, H, , headDim] = q.shape as [number, number, number, number]
  const K = k.shape[2]!
  // Σ probability · dProbability of each row, without the keys (FlashAttention, algorithm 4, D).
  const along = tf.sum(tf.mul(dy, output), 3, true)
  const dk = sumOfPrefixes(B, H, headDim)
  const dv = sumOfPrefixes(B, H, headDim)
  const dq: tf.Tensor[] = []
  const dBias: tf.Tensor[] = []
  // From the last, which has all keys, to the first.
  for (const tile of [...tiles].reverse()) {
    const part = tf.tidy(() => {
      const { queries, keys, values, probabilities, kept, weights } = attendTile(q, k, v, trained, tile, options)
      const rows = tile.end - tile.start
      const d = tf.slice(dy, [0, 0, tile.start, 0], [B, H, rows, headDim])
      const dWeights = tf.matMul(d, values, false, true)
      const dProbabilities = kept ? tf.mul(dWeights, kept) : dWeights
      const dScores = tf.mul(
        probabilities,
        tf.sub(dProbabilities, tf.slice(along, [0, 0, tile.start, 0], [B, H, rows, 1])),
      )
      return {
        dq: tf.mul(tf.matMul(dScores, keys), 1 / Math.sqrt(headDim)),
        dk: tf.matMul(dScores, queries, true, false),
        dv: tf.matMul(weights, d, true, false),
        dBias: trained.length ? biasGradient(options.bias, tf.sum(dScores, 0), tile, K) : undefined,
      }
    })
    dq.unshift(part.dq)
    dk.add(part.dk)
    dv.add(part.dv)
    if (part.dBias) dBias.unshift(part.dBias)
  }
  const summed = trained.length && options.bias.kind !== 'tiles' ? [tf.addN(dBias)] : dBias
  return [join(dq), dk.finish(), dv.finish(), ...summed]
}

/** Adds [B, H, n, headDim] with n that only shrinks, each to the first n rows; memory and work of one such sum. */
function sumOfPrefixes(B: number, H: number, headDim: number) {
  const finished: tf.Tensor[] = []
  let sum: tf.Tensor | undefined
  return {
    add(x: tf.Tensor) {
      const n = x.shape[2]!
      if (!sum) sum = x
      else {
        const rows = sum.shape[2]!
        if (rows > n) finished.unshift(tf.slice(sum, [0, 0, n, 0], [B, H, rows - n, headDim]))
        const before = sum
        sum = tf.tidy(() => tf.add(tf.slice(before, [0, 0, 0, 0], [B, H, n, headDim]), x))
        tf.dispose([before, x])
      }
    },
    finish: () => join([sum!, ...finished]),
  }
}

/** @param dScores - [H, queries, keys], summed over the batch */
function biasGradient(bias: AttentionBias, dScores: tf.Tensor, tile: Tile, K: number): tf.Tensor {
  if (bias.kind === 'linear') return tf.sum(tf.mul(dScores, penalties(bias.queries, bias.keys, tile)), [1, 2])
  return bias.kind === 'table' ? sumDiagonals(dScores as tf.Tensor3D, tile, K) : dScores
}

const join = (blocks: tf.Tensor[]) => (blocks.length === 1 ? blocks[0]! : tf.concat(blocks, 2))
