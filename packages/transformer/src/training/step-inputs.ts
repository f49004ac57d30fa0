// Letters: B batch, L tokens (trainLength), R places of targets in a tail.
import { fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { Model } from '../model/model.js'
import { checkTokens, flatten } from '../model/tokens.js'
import { paddedTailPlaces } from '../model/vocabulary/tail-places.js'
import { type AskedRow, type MaskedTokens, maskedRows } from './masked.js'
import type { Optimizer } from './optimizer.js'
import type { TrainerReplicas } from './trainer-options.js'

/** The rows of a step as its parts take them, all of one length. */
export interface StepRows {
  /** What the model reads; B of [L]. */
  readonly tokens: readonly Int32Array[]
  readonly targets: readonly Int32Array[]
  /** The share of each target's loss in the step's loss; [B·L]. */
  readonly shares: Float32Array
}

/**
 * What the model reads of a batch, and what it is to name.
 *
 * @param asked - see {@link Trainer.trainStep}
 */
export function rowsOf(
  rows: readonly Int32Array[],
  asked: readonly ArrayLike<number>[] | undefined,
  { seed, parts, step, masked }: StepSettings,
): StepRows {
  return filledUp(masked ? maskedRows(rows, masked, seed, step) : nextTokens(rows, asked), parts.total)
}

/**
 * Tokens, targets and each target's share in the loss [B, L], the optimizer's hyperparameters [3], a seed of dropout for each
 * part, and each part's places of targets in the tails of an adaptive softmax.
 */
export function inputsOf(
  { tokens, targets, shares }: StepRows,
  model: Model,
  optimizer: Optimizer,
  { seed, parts, step }: StepSettings,
): tf.Tensor[] {
  const matrix = (part: readonly Int32Array[]) => tf.tensor2d(flatten(part), [part.length, part[0]!.length], 'int32')
  const { first, own, total } = parts
  const seeds = Int32Array.from({ length: own }, (_, i) => seed + 1_000_003 * (step * total + first + i))
  const length = tokens[0]!.length
  const [from, to] = ownRows(tokens.length, parts)
  return [
    matrix(tokens.slice(from, to)),
    matrix(targets.slice(from, to)),
    tf.tensor2d(shares.subarray(from * length, to * length), [to - from, length]),
    tf.tensor1d([...optimizer.hyperparameters(step)]),
    tf.tensor1d(seeds, 'int32'),
    ...placesOf(model, targets, parts),
  ]
}

/** The parts that a step's rows are cut into, and which of them this process computes: all, or a replica's. */
export interface StepParts {
  /** Of all replicas. */
  readonly total: number
  /** The first of its own. */
  readonly first: number
  /** How many are its own. */
  readonly own: number
}

/** As many parts as are asked for, or so many for each of the replicas where they do not divide them. */
export function partsOf(microBatches: number, { index, count }: TrainerReplicas = { index: 0, count: 1 }): StepParts {
  const own = microBatches % count ? microBatches : microBatches / count
  return { total: own * count, first: own * index, own }
}

/** Of the rows of all, a process's own. */
export const ownRows = (rows: number, { total, first, own }: StepParts): readonly [from: number, to: number] => [
  (rows / total) * first,
  (rows / total) * (first + own),
]

/** What a step's tensors depend on besides its rows. */
type StepSettings = Readonly<Record<'seed' | 'step', number>> & {
  readonly parts: StepParts
  readonly masked: MaskedTokens | undefined
}

/** Every token but the last of a row is to name the next one; all count, or those that are asked for. */
const nextTokens = (rows: readonly Int32Array[], asked: readonly ArrayLike<number>[] | undefined): AskedRow[] =>
  rows.map((row, i) => ({
    tokens: row.subarray(0, -1),
    targets: row.subarray(1),
    asked: asked ? Float32Array.from(asked[i]!) : new Float32Array(row.length - 1).fill(1),
  }))

/**
 * Rows of one length, as many as the parts need: what is added comes after all real tokens of its row, so that none of them
 * reads it, and has no share in the loss.
 */
function filledUp(rows: readonly AskedRow[], microBatches: number): StepRows {
  const length = Math.max(...rows.map(({ tokens }) => tokens.length))
  const count = Math.ceil(rows.length / microBatches) * microBatches
  const share = 1 / rows.reduce((sum, { asked }) => sum + asked.reduce((a, b) => a + b, 0), 0)
  const shares = new Float32Array(count * length)
  rows.forEach(({ asked }, i) => {
    shares.set(
      asked.map((one) => one * share),
      i * length,
    )
  })
  const filled = (part: Int32Array | undefined) => {
    if (part?.length === length) return part
    const out = new Int32Array(length)
    out.set(part ?? [])
    return out
  }
  const all = Array.from({ length: count }, (_, i) => rows[i])
  return {
    tokens: all.map((row) => filled(row?.tokens)),
    targets: all.map((row) => filled(row?.targets)),
    shares,
  }
}

/** @throws RangeError or TypeError, one line, for rows that no step can be made of */
export function checkTrainingRows(rows: readonly Int32Array[], vocabularySize: number): void {
  if (!Array.isArray(rows) || !rows.length || !rows.every((row) => row instanceof Int32Array))
    fail('trainStep', 'at least one row of tokens, an array of Int32Array', rows, TypeError)
  const short = rows.find((row) => row.length < 2)
  if (short) fail('trainStep', 'rows of at least 2 tokens, inputs and targets', short.length)
  for (const row of rows) checkTokens('trainStep', row, vocabularySize)
}

/** @throws RangeError or TypeError, one line, unless each target of the rows has a 1 or 0, and one of all a 1 */
export function checkAsked(asked: readonly ArrayLike<number>[], rows: readonly Int32Array[]): void {
  if (!Array.isArray(asked) || asked.length !== rows.length)
    fail('trainStep', `asked for each of the ${rows.length} rows`, asked?.length ?? asked, TypeError)
  const other = asked.findIndex((row, i) => row?.length !== rows[i]!.length - 1)
  if (other >= 0)
    fail('trainStep', `asked for each of the ${rows[other]!.length - 1} targets of row ${other}`, asked[other]?.length)
  const values = asked.flatMap((row) => Array.from(row))
  const strange = values.find((value) => value !== 0 && value !== 1)
  if (strange !== undefined) fail('trainStep', 'asked of 1 and 0', strange)
  if (!values.includes(1)) fail('trainStep', 'at least one target that is asked for', 'none')
}

/** One [own, R] for each tail; R is that of all parts, so that all replicas have the same graph. */
function placesOf(model: Model, targets: readonly Int32Array[], { total, first, own }: StepParts): tf.Tensor[] {
  const rows = targets.length / total
  const parts = Array.from({ length: total }, (_, i) => flatten(targets.slice(i * rows, (i + 1) * rows)))
  return paddedTailPlaces(model.vocabulary, parts).map((of) =>
    tf.tensor2d(flatten(of.slice(first, first + own)), [own, of[0]!.length], 'int32'),
  )
}
