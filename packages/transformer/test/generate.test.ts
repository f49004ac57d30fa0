// What generation promises beyond sampling: several prompts at once as each alone, penalties, and where texts end.
import { readFile } from 'node:fs/promises'
import { alibi } from '@alibi/alibi'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createKvCache, createModel, generate, generateBatch, type Model } from '../src/index.js'
import { leftPadded } from '../src/inference/left-padded.js'
import { penalizeRepetition } from '../src/inference/repetition.js'
import { strategiesOfEachKind, tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const prompts = [tokens(9), tokens(1, 4), tokens(5, 2)]
const model = createModel(tiny, alibi({ numHeads: 2 }), 3)

/** Of two tokens after prompts, prompt after prompt: the cache reads the prompts in two passes. */
function logProbabilities(of: Model, given: readonly Int32Array[]): tf.Tensor3D {
  const cache = createKvCache()
  const { rows, padding } = leftPadded(given)
  const steps = [
    rows.map((row) => row.subarray(0, 3)),
    rows.map((row) => row.subarray(3)),
    given.map(() => tokens(1)),
    given.map(() => tokens(1, 3)),
  ].filter(([row]) => row!.length)
  const made = steps.map((step) => {
    const K = cache.pastLength + step[0]!.length
    const hidden = of.forward(step, { cache, padding: padding?.map((pad) => Math.min(pad, K)) })
    return tf.reshape(tf.logSoftmax(of.logits(hidden)), [given.length, step[0]!.length, -1]) as tf.Tensor3D
  })
  cache.dispose()
  return tf.concat(made.slice(-2), 1)
}

describe.each(strategiesOfEachKind)('%s', (_, strategy) => {
  const own = createModel(tiny, strategy, 3)

  it('continues each prompt of a batch as it does alone', async () => {
    const options = { maxNewTokens: 6, temperature: 0, prefillChunk: 2 }
    const alone = []
    for (const prompt of prompts) alone.push(await generate(own, prompt, options))
    expect(await generateBatch(own, prompts, options)).toEqual(alone)
  })

  it('gives the same log-probabilities', () => {
    const together = logProbabilities(own, prompts).arraySync()
    // Sums of other lengths, with the padding's zeros among them, round otherwise.
    for (const [i, prompt] of prompts.entries())
      expect(together[i]).toBeAllclose(logProbabilities(own, [prompt]).arraySync()[0]!, { rtol: 1e-5, atol: 1e-5 })
  })
})

it('draws for each prompt of a batch what it draws alone, whichever ends first', async () => {
  const drawn = { maxNewTokens: 8, seed: 7, topK: 6, repetitionPenalty: 1.4 }
  const [first] = await generateBatch(model, prompts, drawn)
  const options = { ...drawn, endTokens: [first![2]!] }
  const told: number[][] = prompts.map(() => [])
  const onToken = (token: number, row: number) => void told[row]!.push(token)
  const together = await generateBatch(model, prompts, { ...options, onToken })
  for (const [i, prompt] of prompts.entries()) expect(together[i]).toEqual(await generate(model, prompt, options))
  expect(told).toEqual(together.map((text) => [...text]))
  expect(new Set(together.map(({ length }) => length)).size).toBeGreaterThan(1)
  expect(await generateBatch(model, prompts, { maxNewTokens: 0 })).toEqual(prompts.map(() => new Int32Array()))
})

it('ends a text with an end token, or where its listener says so', async () => {
  const options = { maxNewTokens: 30, seed: 2, temperature: 1 }
  const whole = [...(await generate(model, tokens(4), options))]
  const end = whole[5]!
  const first = whole.indexOf(end)
  expect([...(await generate(model, tokens(4), { ...options, endTokens: [end] }))]).toEqual(whole.slice(0, first + 1))
  let count = 0
  const onToken = () => (++count === 3 ? 'stop' : undefined)
  expect([...(await generate(model, tokens(4), { ...options, onToken }))]).toEqual(whole.slice(0, 3))
})

it('penalizes repetition as transformers does', async () => {
  const file = new URL('golden/generation.json', import.meta.url)
  const { cases } = JSON.parse(await readFile(file, 'utf8')) as {
    cases: { penalty: number; seen: number[]; logits: number[]; expected: number[] }[]
  }
  expect(cases.length).toBeGreaterThan(2)
  for (const { penalty, seen, logits, expected } of cases) {
    const own = Float32Array.from(logits)
    penalizeRepetition(own, new Set(seen), penalty)
    // torch divides by the penalty as float32.
    expect([...own]).toBeAllclose(expected, { rtol: 2.5e-7, atol: 0 })
  }
})
