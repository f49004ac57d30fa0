// Letters: B batch, H heads, Q/K queries/keys, L tokens.
import { fail } from '@alibi/core'
import type * as tf from '@tensorflow/tfjs'
import { shaped } from '../../shaped.js'
import type { AttentionBias } from './bias.js'
import { type AttentionFeature, type AttentionProblem, attentionFeatures } from './problem.js'

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
  /** Running sums c along the keys: a score gains c[query] − c[key]; shape [B, H, K]; with `'gate'`. */
  readonly gate?: tf.Tensor3D | undefined
  /** The index of the first key of each query's document; float32 [B, 1, Q, 1]; with `'documents'`. */
  readonly documents?: tf.Tensor4D | undefined
  /** The index of the first query among the keys, in a cache with slots after the queries'; int32 [1]. */
  readonly firstQuery?: tf.Tensor1D | undefined
  /** With `'relative terms'`. */
  readonly terms?: RelativeTensors | undefined
  /** With `'rewritten scores'`. */
  readonly rewrite?: Rewrite | undefined
  /** One logit a head; [H]; with `'sink logit'`. */
  readonly sink?: tf.Tensor1D | undefined
}

/** The terms of core's ladder on the device. */
export interface RelativeTensors {
  /** A factor on q·k and on what is added here. */
  readonly scale: number
  /** Added to each query before it multiplies keys; [H, headDim]. */
  readonly queryBias?: tf.Tensor2D | undefined
  /**
   * The vectors that queries multiply, for the distances from `lowest` to K − 1, or for `gaps.distances`;
   * [H or 1, N, headDim].
   */
  readonly queryTable?: tf.Tensor3D | undefined
  /** The vectors that keys multiply; as `queryTable`. */
  readonly keyTable?: tf.Tensor3D | undefined
  /** The lowest distance: 0, or 1 − K where queries see keys ahead. */
  readonly lowest: number
  /** With `'position gaps'`. */
  readonly gaps?: PositionGaps | undefined
}

/** Positions that are not consecutive, and the distances between them. */
export interface PositionGaps {
  /** The positions of all K tokens: one array for all rows, or one for each row. */
  readonly positions: readonly Int32Array[]
  /** Every distance of a query to a key that it may see, once. */
  readonly distances: Int32Array
}

/** A strategy's own function of scores. */
export interface Rewrite {
  /** The parameters of the function, by name. */
  readonly parameters: Readonly<Record<string, tf.Tensor>>
  /** Whether exp of the scores are weights already. */
  readonly isLog: boolean
  /**
   * @param rows - scores of some queries and keys, with those queries and keys
   * @returns the new scores, of the same shape
   */
  evaluate(rows: RewriteRows, parameters: Readonly<Record<string, tf.Tensor>>): tf.Tensor4D
}

/** What a {@link Rewrite} reads. */
export interface RewriteRows {
  /** [B, H, rows, keys] */
  readonly scores: tf.Tensor4D
  /** [B, H, rows, headDim] */
  readonly q: tf.Tensor4D
  /** [B, H, keys, headDim] */
  readonly k: tf.Tensor4D
  /** 1 or 0; broadcasts to the scores. */
  readonly visible: tf.Tensor4D
  /** Index of the first of these queries among the pass's. */
  readonly start: number
  /** Indices of the keys. */
  readonly keys: Int32Array
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
  /**
   * Cosines and sines, for queries and then for keys. A row has, for every four features, four cosines and then four
   * sines; [2, L, headDim/4, 2, 4].
   */
  readonly table: tf.Tensor
  /** The distance between the two features of a pair: 1 where neighbours turn together, else rotaryDim / 2. */
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
  if (beyond.length) return `has no ${beyond.join(', no ')}`
  const reason: unknown = kernel.refuses(problem)
  if (reason === undefined || (typeof reason === 'string' && reason)) return reason
  return fail('attention', `refuses of ${kernel.name} to give a reason in words, or undefined`, reason, TypeError)
}

/**
 * What a kernel computes.
 *
 * @throws RangeError or TypeError, one line, for a result of another shape
 */
export function run(kernel: AttentionKernel, problem: AttentionProblem, inputs: AttentionInputs): tf.Tensor4D {
  return shaped('attention', `the result of ${kernel.name}`, kernel.run(problem, inputs), inputs.q.shape)
}

/** The same straight from the projection, of a kernel that has `runProjected`. */
export function runProjected(kernel: AttentionKernel, problem: AttentionProblem, inputs: ProjectedInputs): tf.Tensor2D {
  const { numHeads, headDim } = problem
  const shape = [inputs.qkv.shape[0], numHeads * headDim]
  return shaped('attention', `the projected result of ${kernel.name}`, kernel.runProjected!(problem, inputs), shape)
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
    if (typeof each?.name !== 'string') return fail(where, expected, each, TypeError)
    if (!Array.isArray(each.takes)) fail(where, `takes of ${each.name} as a list of features`, each.takes, TypeError)
    // A name that no pass asks for would leave the kernel unused, without a word.
    const unknown = each.takes.find((feature) => !attentionFeatures.includes(feature))
    if (unknown !== undefined) fail(where, `takes of ${each.name} from ${attentionFeatures.join(', ')}`, unknown)
    for (const name of ['refuses', 'run'] as const)
      if (typeof each[name] !== 'function') fail(where, `${name} of ${each.name} as a function`, each[name], TypeError)
    return each
  })
}
