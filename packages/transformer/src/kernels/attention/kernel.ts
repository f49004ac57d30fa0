// Letters: B batch, H heads, Q/K queries/keys, L tokens.
import { fail } from '@alibi/core'
import type * as tf from '@tensorflow/tfjs'
import type { AttentionBias } from './bias.js'
import type { AttentionFeature, AttentionProblem } from './problem.js'

/** The tensors of one layer's attention. */
export interface AttentionInputs {
  /** Queries, rotated; shape [B, H, Q, headDim]. */
  readonly q: tf.Tensor4D
  /** Keys, rotated; shape [B, H, K, headDim]. */
  readonly k: tf.Tensor4D
  /** Values; shape [B, H, K, headDim]. */
  readonly v: tf.Tensor4D
  /** Added to the scaled scores. */
  readonly bias: AttentionBias
  /** 1 for keys that no query may attend to, else 0; shape [B, 1, 1, K]; with `'padding'`. */
  readonly padding?: tf.Tensor | undefined
  /** With `'dropout'`. */
  readonly dropout?: AttentionDropout | undefined
}

/** Dropout of attention weights, which a backward pass can repeat. */
export interface AttentionDropout {
  /** int32 [2]; seeds up to 4,095 further on are this layer's too. */
  readonly seed: tf.Tensor1D
  /** What weights are multiplied by: 1 / (1 − rate) where they are kept, else 0; a function of the seed. */
  keep(shape: readonly number[], seed: tf.Tensor1D): tf.Tensor
}

/** A layer's attention as its projection gives it: for whole sequences, without a cache. */
export interface ProjectedInputs extends Omit<AttentionInputs, 'q' | 'k' | 'v'> {
  /** Queries, keys and values of each token, before rotation; shape [B·L, 3·H·headDim]. */
  readonly qkv: tf.Tensor2D
  /** Turns queries and keys. */
  readonly rotation?: PackedRotation | undefined
}

/** A rotation as kernels that read four features at a time need it. */
export interface PackedRotation {
  /** Of queries, then of keys: row by row, of four features at a time their cosines and their sines; [2, L, headDim/4, 2, 4]. */
  readonly table: tf.Tensor
  /** Between the two features of a pair: 1 where neighbours turn together, else rotaryDim / 2. */
  readonly pairStride: number
}

/** One way to compute attention. A pass takes the first of a list that does not refuse it. */
export interface AttentionKernel {
  /** Names it in errors and results. */
  readonly name: string
  /** The features that it computes. It never sees a problem that asks for another. */
  readonly takes: readonly AttentionFeature[]
  /** Why it does not take a problem of those features, in a few words, e.g. a headDim; undefined where it takes it. */
  refuses(problem: AttentionProblem): string | undefined
  /**
   * softmax(q·kᵀ/√headDim + bias)·v over the keys up to each query, with what `problem.asks` for; differentiable where
   * `problem.trains`.
   *
   * @returns shape [B, H, Q, headDim]
   */
  run(problem: AttentionProblem, inputs: AttentionInputs): tf.Tensor4D
  /**
   * The same straight from the projection, for kernels that split and turn it themselves. Absent: the model does both.
   *
   * @returns shape [B·L, H·headDim]
   */
  runProjected?(problem: AttentionProblem, inputs: ProjectedInputs): tf.Tensor2D
}

/** Why a kernel does not take a problem; undefined where it takes it. */
export function refusal(kernel: AttentionKernel, problem: AttentionProblem): string | undefined {
  const beyond = problem.asks.filter((feature) => !kernel.takes.includes(feature))
  return beyond.length ? `has no ${beyond.join(', no ')}` : kernel.refuses(problem)
}

/**
 * The first kernel that takes the problem.
 *
 * @throws Error, one line, with the reason of each kernel, where none takes it
 */
export function chooseAttention(kernels: readonly AttentionKernel[], problem: AttentionProblem): AttentionKernel {
  const refusals: string[] = []
  for (const kernel of kernels) {
    const reason = refusal(kernel, problem)
    if (reason === undefined) return kernel
    refusals.push(`${kernel.name} ${reason}`)
  }
  throw new Error(
    `attention: expected a kernel for ${problem.asks.join(', ') || 'plain attention'} with headDim ${problem.headDim}, got ${refusals.join('; ')}; leave out what they do not take, or pass a kernel that does`,
  )
}

/**
 * A list of kernels and of names of ours as kernels.
 *
 * @throws TypeError or RangeError, one line, for anything else
 */
export function kernelsOf(
  where: string,
  list: readonly (AttentionKernel | string)[] | undefined,
  ours: readonly AttentionKernel[],
): readonly AttentionKernel[] {
  if (list === undefined) return ours
  const expected = `attentionKernels as a list of kernels, or of ${ours.map(({ name }) => name).join(', ')}`
  if (!Array.isArray(list) || !list.length) fail(where, expected, list, TypeError)
  return list.map((each: AttentionKernel | string | null | undefined) => {
    if (typeof each === 'string') return ours.find(({ name }) => name === each) ?? fail(where, expected, each)
    if (typeof each?.name === 'string' && Array.isArray(each.takes) && typeof each.refuses === 'function') return each
    return fail(where, expected, each, TypeError)
  })
}
