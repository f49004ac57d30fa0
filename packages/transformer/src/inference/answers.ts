// Letters: B batch, L tokens, D modelDim, V vocabularySize, A tokens of an answer.
import { checkInteger, checkOptions, fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { checkCausal, checkModel } from '../model/check-model.js'
import type { Model } from '../model/model.js'
import { checkTokens, flatten } from '../model/tokens.js'
import { scorePlaces } from './answer-passes.js'
import { tailPlaces } from './losses.js'

/** A text whose last tokens are an answer. */
export interface AnsweredText {
  /** The whole text, answer included. */
  readonly tokens: Int32Array
  /** A, ≥ 1; less than the tokens of the text. */
  readonly answerLength: number
}

/** How a model takes an answer, each token read with the true ones before it. */
export interface AnswerScore {
  /** −ln p of each token; shape [A] */
  readonly lossNats: Float32Array
  /**
   * 1 where the token is the model's first choice, else 0; shape [A]. All are 1 exactly where generation at temperature 0 gives
   * the answer.
   */
  readonly firstChoices: Uint8Array
}

/** What {@link scoreAnswers} takes besides a model and texts. */
export interface AnswersOptions {
  /**
   * Whether the pass runs as a graph where the backend compiles: `true` always, `false` never. Default: from the third pass of
   * the same sizes on, as making a graph takes as long as some passes op by op. Not where skipping keys op by op is faster: from
   * 8,192 tokens on, with slopes, a table or a gate.
   */
  readonly compile?: boolean | undefined
  /** Told in one line why passes run op by op where the backend compiles others: once for each model and reason. */
  readonly onFallback?: ((reason: string) => void) | undefined
}

/**
 * Scores answers of any lengths in one pass: shorter texts are filled up at their ends, where no token before reads it.
 *
 * @returns one score a text
 * @throws RangeError or TypeError, one line, for texts that are no answered ones, and models that are not causal
 */
export async function scoreAnswers(
  model: Model,
  texts: readonly AnsweredText[],
  options: AnswersOptions = {},
): Promise<AnswerScore[]> {
  checkAnswers(model, texts)
  checkOptions('scoreAnswers', options, ['compile', 'onFallback'])
  const { compile, onFallback } = options
  if (compile !== undefined && typeof compile !== 'boolean')
    fail('scoreAnswers', 'compile as true or false', compile, TypeError)
  if (onFallback !== undefined && typeof onFallback !== 'function')
    fail('scoreAnswers', 'onFallback as a function', onFallback, TypeError)
  const L = Math.max(...texts.map(({ tokens }) => tokens.length - 1))
  const rows = texts.map(({ tokens }) => filledTo(L, tokens.subarray(0, -1)))
  const places = texts.flatMap(({ tokens, answerLength }, i) =>
    Array.from({ length: answerLength }, (_, j) => i * L + tokens.length - 1 - answerLength + j),
  )
  const targets = Int32Array.from(texts.flatMap(({ tokens, answerLength }) => [...tokens.subarray(-answerLength)]))
  const inputs = [
    tf.tensor2d(flatten(rows), [rows.length, L], 'int32'),
    tf.tensor1d(places, 'int32'),
    tf.tensor1d(targets, 'int32'),
    ...tailPlaces(model, targets),
  ]
  let losses: tf.Tensor
  let choices: tf.Tensor
  try {
    ;[losses, choices] = scorePlaces(model, inputs, options) as [tf.Tensor, tf.Tensor]
  } finally {
    tf.dispose(inputs)
  }
  try {
    const lossNats = Float32Array.from(await losses.data())
    const right = Uint8Array.from(await choices.data(), (choice, i) => Number(choice === targets[i]))
    let from = 0
    return texts.map(({ answerLength }) => {
      const to = from + answerLength
      const score = { lossNats: lossNats.slice(from, to), firstChoices: right.slice(from, to) }
      from = to
      return score
    })
  } finally {
    tf.dispose([losses, choices])
  }
}

/** Zeros after the end: any token would do. */
function filledTo(length: number, tokens: Int32Array): Int32Array {
  const row = new Int32Array(length)
  row.set(tokens)
  return row
}

function checkAnswers(model: Model, texts: readonly AnsweredText[]): void {
  checkModel('scoreAnswers', model)
  checkCausal('scoreAnswers', model)
  if (!Array.isArray(texts) || !texts.length) fail('scoreAnswers', 'at least one text', texts, TypeError)
  for (const { tokens, answerLength } of texts) {
    checkTokens('scoreAnswers', tokens, model.config.vocabularySize)
    checkInteger('scoreAnswers', 'answerLength', answerLength, 1)
    if (tokens.length <= answerLength)
      fail('scoreAnswers', `texts longer than their answers of ${answerLength} tokens`, tokens.length)
  }
}
