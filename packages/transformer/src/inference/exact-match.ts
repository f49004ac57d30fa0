// Letters: B batch, L tokens, D modelDim, A answer.
import { checkInteger, fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { checkModel } from '../model/check-model.js'
import type { Model } from '../model/model.js'
import { checkRows } from '../model/tokens.js'

/**
 * Whether a model's first choice is right for each of the last A tokens of some rows, each read with the true tokens before it.
 *
 * @param rows - token ids; B rows of one length above A
 * @param answerLength - A, ≥ 1
 * @returns for each row, whether all A are right
 */
export async function answeredCorrectly(
  model: Model,
  rows: readonly Int32Array[],
  answerLength: number,
): Promise<boolean[]> {
  checkModel('answeredCorrectly', model)
  checkRows('answeredCorrectly', rows, model.config.vocabularySize)
  checkInteger('answeredCorrectly', 'answerLength', answerLength, 1)
  const L = rows[0]!.length - 1
  if (L < answerLength) fail('answeredCorrectly', `rows longer than ${answerLength} tokens`, L + 1)
  const choices = tf.tidy(() => {
    const hidden = tf.reshape(model.forward(rows.map((row) => row.subarray(0, L))), [rows.length, L, -1])
    const last = tf.slice(hidden, [0, L - answerLength, 0])
    return tf.argMax(model.logits(tf.reshape(last, [rows.length * answerLength, -1])), 1)
  })
  const values = await choices.data().finally(() => choices.dispose())
  return rows.map((row, i) => row.subarray(-answerLength).every((token, j) => token === values[i * answerLength + j]))
}
