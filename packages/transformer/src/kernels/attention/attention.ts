// Letters: B batch, H heads, Q/K queries/keys.
import { checkInteger, fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { currentKernels } from '../kernels.js'
import type { AttentionBias } from './bias.js'
import { type AttentionKernel, chooseAttention, kernelsOf, run } from './kernel.js'
import { type AttentionProblem, type AttentionStorage, featuresOf, QUERIES_PER_TILE } from './problem.js'

/** What {@link attention} takes besides queries, keys and values. */
export interface AttentionOptions {
  /** Added to the scaled scores. */
  readonly bias: AttentionBias
  /** Whether gradients reach the bias: its slopes, table or tiles are trained. Default false. */
  readonly trainBias?: boolean | undefined
  /** Queries taken at a time, where a kernel works in tiles. Default 128. */
  readonly queriesPerTile?: number | undefined
  /** Keys that a query sees, the last ones with its own; ≥ 1. Default all. */
  readonly window?: number | undefined
  /** 1 for keys that no query may attend to (left padding), else 0; shape [B, 1, 1, K]. */
  readonly padding?: tf.Tensor | undefined
  /** Drops attention weights in training; the seed, int32 [2], makes the backward pass drop the same ones. */
  readonly dropout?: { readonly rate: number; readonly seed: tf.Tensor1D } | undefined
  /**
   * Share of a row's weight that a long pass without gradients may leave out. Default 0: it leaves out keys whose weight
   * is zero in fp32, and no others.
   */
  readonly skipTolerance?: number | undefined
  /** Default float32. */
  readonly attentionStorage?: AttentionStorage | undefined
  /** Kernels, or names of ours, of which the first that takes this is used. Default: `attentionKernels`. */
  readonly attentionKernels?: readonly (AttentionKernel | string)[] | undefined
}

/**
 * Causal attention, softmax(q·kᵀ/√headDim + bias)·v, with the first kernel that takes it. The queries are the last Q of the K
 * tokens, as in decoding from a cache.
 *
 * @param q - shape [B, H, Q, headDim]
 * @param k - shape [B, H, K, headDim]
 * @param v - shape [B, H, K, headDim]
 * @returns shape [B, H, Q, headDim]
 * @throws Error, one line, where no kernel takes it, with the reason of each; RangeError or TypeError for wrong arguments
 */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, options: AttentionOptions): tf.Tensor4D {
  checkInputs(q, k, v, options)
  const { bias, padding, dropout } = options
  const { backend, attention: ours, keepMask } = currentKernels()
  const problem = describe(backend, q, k, options)
  const kernel = chooseAttention(kernelsOf('attention', options.attentionKernels, ours), problem)
  return run(kernel, problem, {
    q,
    k,
    v,
    bias,
    padding,
    dropout: dropout && { seed: dropout.seed, keep: (shape, seed) => keepMask(shape, dropout.rate, seed) },
  })
}

function describe(backend: string, q: tf.Tensor4D, k: tf.Tensor4D, options: AttentionOptions): AttentionProblem {
  const [batchSize, numHeads, numQueries, headDim] = q.shape
  const numKeys = k.shape[2]
  const trains = tf.engine().state.gradientDepth > 0
  const window = options.window !== undefined && options.window < numKeys ? options.window : undefined
  const asks = featuresOf({
    bias: options.bias,
    trainedBias: trains && options.trainBias === true,
    padding: options.padding !== undefined,
    window: window !== undefined,
    dropout: options.dropout !== undefined,
    storage: options.attentionStorage,
  })
  const { queriesPerTile = QUERIES_PER_TILE, skipTolerance = 0 } = options
  const sizes = { batchSize, numHeads, numQueries, numKeys, headDim }
  return { backend, ...sizes, asks, trains, window, queriesPerTile, skipTolerance }
}

function checkInputs(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, options: AttentionOptions): void {
  for (const [name, x] of Object.entries({ q, k, v }))
    if (x?.shape?.length !== 4)
      fail('attention', `a tensor ${name} of 4 dimensions`, x?.shape ? `[${x.shape}]` : x, TypeError)
  if (!options?.bias?.kind) fail('attention', 'options with a bias', options, TypeError)
  if (options.queriesPerTile !== undefined) checkInteger('attention', 'queriesPerTile', options.queriesPerTile, 1)
  if (options.window !== undefined) checkInteger('attention', 'window', options.window, 1)
  const { bias } = options
  if (bias.kind === 'linear' && (bias.queries.dtype !== 'int32' || bias.keys.dtype !== 'int32'))
    fail('attention', 'positions as int32', `${bias.queries.dtype} and ${bias.keys.dtype}`, TypeError)
}
