// Answers are scored as generation would give them, and training on them alone is training on the losses of their tokens.
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createModel, createTrainer, generate, type Model, scoreAnswers } from '../src/index.js'
import { strategies, tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

/** −ln softmax of the last row's logits, in float64. */
async function lossesAfter(model: Model, row: Int32Array): Promise<number[]> {
  const logits = tf.tidy(() => model.logits(tf.slice(model.forward([row]), [row.length - 1, 0], [1, -1])))
  const values = [...(await logits.data())]
  logits.dispose()
  const sum = Math.log(values.reduce((total, value) => total + Math.exp(value), 0))
  return values.map((value) => sum - value)
}

describe.each(strategies)('answers with %s', (_, strategy) => {
  const model = createModel(tiny, strategy, 5)

  it('have the losses that their tokens have one by one, whatever else is scored with them', async () => {
    const texts = [
      { tokens: tokens(9), answerLength: 3 },
      { tokens: tokens(5, 3), answerLength: 1 },
      { tokens: tokens(7, 1), answerLength: 6 },
    ]
    const scores = await scoreAnswers(model, texts)
    for (const [i, { tokens: row, answerLength }] of texts.entries())
      for (let j = 0; j < answerLength; j++) {
        const place = row.length - answerLength + j
        const losses = await lossesAfter(model, row.subarray(0, place))
        // fp32 sums of a few dozen terms of size 1, taken in another order.
        expect(scores[i]!.lossNats[j]).toBeCloseTo(losses[row[place]!]!, 4)
        expect(scores[i]!.firstChoices[j]).toBe(Number(losses.indexOf(Math.min(...losses)) === row[place]))
      }
  })

  it('are all first choices where generation gives them, and only there', async () => {
    const prompt = tokens(6)
    const answer = await generate(model, prompt, { maxNewTokens: 4, temperature: 0 })
    const other = answer.map((token, i) => (i === 2 ? (token + 1) % 11 : token))
    const [right, wrong] = await scoreAnswers(
      model,
      [answer, other].map((each) => ({ tokens: Int32Array.of(...prompt, ...each), answerLength: 4 })),
    )
    expect([...right!.firstChoices]).toEqual([1, 1, 1, 1])
    expect([...wrong!.firstChoices].slice(0, 3)).toEqual([1, 1, 0])
  })
})

it('refuses what has no answer', async () => {
  const model = createModel(tiny, strategies[0]![1])
  await expect(scoreAnswers(model, [])).rejects.toThrow('scoreAnswers: expected at least one text')
  await expect(scoreAnswers(model, [{ tokens: tokens(2), answerLength: 2 }])).rejects.toThrow(
    'scoreAnswers: expected texts longer than their answers of 2 tokens, got 2',
  )
  await expect(scoreAnswers(model, [{ tokens: tokens(2), answerLength: 0 }])).rejects.toThrow('answerLength ≥ 1, got 0')
})

describe('targets that are asked for', () => {
  const strategy = strategies[0]![1]
  const stepped = async (rows: Int32Array[], asked?: number[][], microBatches = 1) => {
    const trainer = createTrainer(
      createModel(tiny, strategy, 1),
      { kind: 'adamw', learningRate: 1e-2 },
      { microBatches },
    )
    const loss = await trainer.trainStep(rows, asked)
    const weights = await Promise.all([...trainer.model.parameters.values()].map((each) => each.data()))
    return { loss, weights: weights.flatMap((each) => [...each]) }
  }

  it('alone decide the loss, which is the mean of theirs', async () => {
    const [row, other] = [tokens(7), tokens(7, 3)]
    const asked = [
      [0, 0, 0, 0, 1, 1],
      [0, 0, 0, 0, 0, 1],
    ]
    const { loss } = await stepped([row, other], asked)
    const scores = await scoreAnswers(createModel(tiny, strategy, 1), [
      { tokens: row, answerLength: 2 },
      { tokens: other, answerLength: 1 },
    ])
    const losses = scores.flatMap(({ lossNats }) => [...lossNats])
    expect(loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 3, 5)
  })

  it('make the step that rows without the others make', async () => {
    const row = tokens(7)
    const filled = Int32Array.of(...row.subarray(0, 5), 0, 0)
    const short = await stepped([row.subarray(0, 5)])
    const asked = await stepped([filled], [[1, 1, 1, 1, 0, 0]])
    expect(asked.loss).toBeCloseTo(short.loss, 6)
    for (const [i, weight] of asked.weights.entries()) expect(weight).toBeCloseTo(short.weights[i]!, 5)
  })

  it('count alike in parts of a batch', async () => {
    const rows = [tokens(7), tokens(7, 3)]
    const asked = [
      [0, 0, 1, 1, 1, 1],
      [0, 0, 0, 0, 0, 1],
    ]
    const [whole, parts] = [await stepped(rows, asked), await stepped(rows, asked, 2)]
    expect(parts.loss).toBeCloseTo(whole.loss, 6)
  })
})
