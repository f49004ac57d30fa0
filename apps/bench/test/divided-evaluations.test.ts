// Evaluations whose batches are divided over replicas have the lines of one process, bit for bit: here on one process that is all of
// them in turn, in replicas.test.ts on processes of their own.
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { createModel, type EvaluationReplicas, type Model } from '@alibi/transformer'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { together } from '../../../packages/transformer/test/replicas-in-turn.js'
import { openTask } from '../src/data/tasks/open.js'
import { byteTokenizer } from '../src/data/tokenizer/tokenizer.js'
import { evaluateDocuments } from '../src/experiment/evaluate-documents.js'
import { tryRetrieval } from '../src/experiment/retrieval.js'
import { tryTask } from '../src/experiment/tasks.js'

const cell = { strategy: 'alibi', trainLength: 8, seed: 1, size: '1x16x2' }
const { signal } = new AbortController()

let model: Model
beforeAll(async () => {
  // Where there are graphs, they round otherwise than their ops do.
  await selectBackend('auto')
  model = createModel({ vocabularySize: 256, numLayers: 1, modelDim: 16, numHeads: 2 }, alibi({ numHeads: 2 }), 1)
})
afterAll(() => model.dispose())

/** Held-out documents of many lengths, some longer than a window. */
const tokens = Int32Array.from({ length: 30_000 }, (_, i) => ((i * i) % 997 < 3 ? 0 : 97 + ((i * 7) % 23)))
tokens[0] = 0
const byteEnds = tokens.map((_, i) => i + 1)

const evaluations: Record<string, (work: Parameters<typeof tryTask>[2]) => Promise<object>> = {
  // 50 trials, 8 at a time.
  retrieval: (work) => tryRetrieval(model, cell, { task: 'passkey', evalLength: 512, distance: 256 }, work),
  // 200 trials, 32 at a time.
  async task(work) {
    const task = await openTask('count', { log() {} })
    return tryTask(model, { cell, task, tokenizer: byteTokenizer, evalLength: 128, trials: 200 }, work)
  },
  documents: (work) =>
    evaluateDocuments(
      model,
      { tokens, byteEnds },
      {
        ...{ cell, documentMark: 0, maxTokens: 29_000 },
        reading: { evalLength: 100, protocol: 'nonoverlapping', stride: 100 },
      },
      work,
    ),
}

it.each(Object.entries(evaluations))('%s', async (_, evaluation) => {
  const found = async (replicas?: EvaluationReplicas) => {
    const shown: unknown[] = []
    const progress = { line() {}, start() {}, update: (done: number) => shown.push(done), stop() {} }
    const lines = await evaluation({ progress, signal, replicas })
    // All but how fast it went.
    return { shown, lines: JSON.parse(JSON.stringify(lines, (key, value) => (key === 'tokensPerSecond' ? 0 : value))) }
  }
  const alone = await found()
  expect(alone.shown.length).toBeGreaterThan(4)
  for (const count of [2, 4]) for (const each of await together(count, found)) expect(each).toEqual(alone)
})
