import type { BackendName } from '@alibi/backend'
import { none } from '@alibi/core'
import { matmulGigaflops } from '@alibi/machine'
import { countParameters } from '@alibi/transformer'
import { cellsOf } from '../config/cells.js'
import { modelConfig } from '../config/model.js'
import type { RunConfig } from '../config/schema.js'
import { duration, gigabytes, thousands } from '../terminal/format.js'
import { tokensRead } from './readings.js'

/** What a run will take, computed from its config alone. */
export interface Estimate {
  /** The parameters of each model, without those of its strategy. */
  readonly parameters: number
  /** Bytes that a training step holds at once. */
  readonly stepBytes: number
  /** Of those, what does not depend on the batch: weights, the optimizer's state, gradients, an update's vectors. */
  readonly updateBytes: number
  /** Floating-point operations of one training step of one model: a sum and a product are two. */
  readonly stepOperations: number
  /** Bytes that reading the longest evaluation length holds at once. */
  readonly evaluationBytes: number
  /** Floating-point operations of all models, training and evaluation. */
  readonly operations: number
}

/**
 * Numbers a token, for each feature of each layer, that the first step holds: it runs op by op to be recorded. Measured with
 * dropout; without it is a fifth less, and later steps need no more.
 */
const ACTIVATIONS = 120
/** Copies of the parameters at once: weights, moments, gradients, an update's vectors. Measured in that step too. */
const COPIES = { 'sgd-nesterov': 13, adamw: 21 } as const
/** Numbers a token and feature of the model that a forward pass holds, whatever its layers. Measured: 50 to 60. */
const READING = 60
/** Tokens of a forward pass of evaluation, at least. */
const READING_TOKENS = 4096
/** A token of a batch and the one that follows it, before and after they are on the device. */
const BATCH_NUMBERS = 4
/** Share of tokens whose logits a tail of an adaptive softmax makes. */
const TAIL_SHARE = 1 / 8

/** For words the vocabulary is taken as large as it may get. */
export function estimateRun(config: RunConfig): Estimate {
  const { trainLength, batchSize, microBatches, numLayers, modelDim: D, steps, optimizer } = config
  const parameters = parametersOf(config)
  const { logits } = headOf(config)
  const tokensAPart = (batchSize * trainLength) / microBatches
  // Logits, their gradient and its product with the loss's.
  const numbers = tokensAPart * (ACTIVATIONS * numLayers * D + 3 * logits) + BATCH_NUMBERS * batchSize * trainLength
  const longest = Math.max(READING_TOKENS, ...config.evalLengths)
  const forward = forwardOperations(config)
  const lengths = config.lengthSchedule ?? [{ length: trainLength, share: 1 }]
  const ofToken = lengths.reduce((sum, { length, share }) => sum + share * forward(length), 0)
  const stepOperations = 3 * ofToken * batchSize * trainLength
  const updateBytes = 4 * parameters * COPIES[optimizer]
  return {
    parameters,
    stepBytes: updateBytes + 4 * numbers,
    updateBytes,
    stepOperations,
    evaluationBytes: 4 * (parameters + READING * D * longest),
    operations: cellsOf(config).length * (stepOperations * steps + evaluationOperations(config)),
  }
}

/** Operations of a token in a forward pass, by the length of its sequence. */
function forwardOperations(config: RunConfig): (length: number) => number {
  const parameters = parametersOf(config)
  const { tables, products } = headOf(config)
  const { numLayers, modelDim: D } = config
  return (length) => 2 * (parameters - tables + products) + 2 * numLayers * D * length
}

/**
 * Floating-point operations of one model's evaluations; on several devices, of one that has most of their batches.
 *
 * @param devices - each of which has whole batches
 */
export function evaluationOperations(config: RunConfig, devices = 1): number {
  const forward = forwardOperations(config)
  return tokensRead(config).reduce((sum, { length, tokens, divisible }) => {
    const batches = Math.ceil(tokens / Math.max(READING_TOKENS, length))
    const own = divisible ? Math.ceil(batches / devices) : batches
    return sum + (own / batches) * tokens * forward(length)
  }, 0)
}

const vocabularyOf = ({ tokenizer, vocabularySize }: RunConfig) => (tokenizer === 'bytes' ? 256 : vocabularySize)

/** In time that does not grow with the layers, of which each has as many. */
function parametersOf(config: RunConfig): number {
  const vocabularySize = vocabularyOf(config)
  const of = (numLayers: number) => countParameters(modelConfig({ ...config, numLayers }, vocabularySize), none())
  return of(1) + (config.numLayers - 1) * (of(2) - of(1))
}

/** Parameters that are only looked up, products of a token's way in and out, and its logits. */
function headOf(config: RunConfig) {
  const { modelDim: D, adaptiveCutoffs: cutoffs = [] } = config
  const vocabularySize = vocabularyOf(config)
  const [first = vocabularySize] = cutoffs
  const head = D * (first + cutoffs.length)
  const sizes = [...cutoffs, vocabularySize]
    .slice(1)
    .map((end, i) => ({ size: end - cutoffs[i]!, dim: D / 4 ** (i + 1) }))
  const sum = (value: (tail: { size: number; dim: number }) => number) =>
    sizes.reduce((total, tail) => total + value(tail), 0)
  return {
    tables: D * first + sum(({ size, dim }) => size * dim),
    products: head + TAIL_SHARE * sum(({ size, dim }) => dim * (D + size)),
    logits: first + cutoffs.length + TAIL_SHARE * sum(({ size }) => size),
  }
}

/** Billions of operations a second of matrix products here. Those of JavaScript take a second where others take a hundredth of one. */
export const productGigaflops = (backend: BackendName): Promise<number> =>
  matmulGigaflops(backend === 'cpu' ? 128 : 1024)

/**
 * How much of {@link productGigaflops} whole training steps reach: measured with TensorFlow on two threads (docs/scale.md), and
 * assumed of other backends.
 */
export const TRAINING_SHARE = 2 / 3

/**
 * What a run will take here, in one line: before anything is read or trained.
 *
 * @param gigaflops - of {@link productGigaflops}, of all threads
 */
export function estimateLine(config: RunConfig, gigaflops: number): string {
  const { parameters, stepBytes, operations } = estimateRun(config)
  const size = parameters >= 1e7 ? `${(parameters / 1e6).toFixed(0)} million` : thousands(parameters)
  return (
    `${size} parameters a model, about ${gigabytes(stepBytes)} GB a training step; ` +
    `at the ${thousands(gigaflops)} GFLOP/s of matrix products here at least ${duration(operations / gigaflops / 1e9)} in all`
  )
}
