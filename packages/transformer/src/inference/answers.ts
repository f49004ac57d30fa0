// Letters: B batch, L tokens, D modelDim, V vocabularySize, A tokens of an answer.
import { checkInteger, fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { checkCausal, checkModel } from '../model/check-model.js'
import type { Model } from '../model/model.js'
import { checkTokens } from '../model/tokens.js'
import { lossesOf, partsOf, tailPlaces } from './losses.js'

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

/**
 * Scores answers of any lengths in one pass: shorter texts are filled up at their ends, where no token before reads it.
 *
 * @returns one score a text
 * @throws RangeError or TypeError, one line, for texts that are no answered ones, and models that are not causal
 */
export async function scoreAnswers(model: Model, texts: readonly AnsweredText[]): Promise<AnswerScore[]> {
  checkAnswers(model, texts)
  const L = Math.max(...texts.map(({ tokens }) => tokens.length - 1))
  const rows = texts.map(({ tokens }) => filledTo(L, tokens.subarray(0, -1)))
  const places = texts.flatMap(({ tokens, answerLength }, i) =>
    Array.from({ length: answerLength }, (_, j) => i * L + tokens.length - 1 - answerLength + j),
  )
  const targets = Int32Array.from(texts.flatMap(({ tokens, answerLength }) => [...tokens.subarray(-answerLength)]))
  const [losses, choices] = tf.tidy(() => {
    const hidden = tf.gather(model.forward(rows), tf.tensor1d(places, 'int32'))
    const losses = lossesOf(model, hidden, tf.tensor1d(targets, 'int32'), tailPlaces(model, targets))
    return [losses, firstChoices(model, hidden as tf.Tensor2D)] as const
  })
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

/** The most likely token after each of some hidden states, [N, D] → [N], in parts where the vocabulary is large. */
function firstChoices(model: Model, hidden: tf.Tensor2D): tf.Tensor1D {
  const parts = partsOf(model, hidden.shape[0]).map(([from, end]) =>
    tf.tidy(() => {
      const part = tf.slice(hidden, [from, 0], [end - from, -1]) as tf.Tensor2D
      return tf.argMax(model.logits(part), 1) as tf.Tensor1D
    }),
  )
  return parts.length === 1 ? parts[0]! : tf.concat1d(parts)
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
