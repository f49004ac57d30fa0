import { readFile } from 'node:fs/promises'
import { selectBackend } from '@alibi/backend'
import { evaluate, type Model } from '@alibi/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { type FairseqStrategy, loadFairseq, parseFairseqDictionary } from '../src/index.js'
import expected from './golden/expected.json' with { type: 'json' }

const golden = (name: string) => new URL(`golden/${name}`, import.meta.url).pathname

beforeAll(() => selectBackend('auto'))

/** ln p of the token after each, and of all tokens after the last. */
async function logProbs(model: Model, tokens: readonly number[]) {
  const hidden = model.forward([Int32Array.from(tokens)])
  const logits = model.logits(hidden)
  const rows = (await logits.array()) as number[][]
  hidden.dispose()
  logits.dispose()
  return { next: tokens.slice(1).map((token, i) => rows[i]![token]!), last: rows.at(-1)! }
}

const furthest = (a: readonly number[], b: readonly number[]) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0)

describe('random models, by an implementation of its own in float64 (tooling/golden/fairseq.py)', () => {
  it.each(Object.entries(expected.models))('%s', async (name, { positions, tokens, nextLogProbs, lastLogProbs }) => {
    const asked = /^alibi(-half-twice)?$/.test(name) ? undefined : (positions as FairseqStrategy)
    const { model, trainLength } = await loadFairseq(golden(`${name}.pt`), { strategy: asked })
    expect(trainLength).toBe(16)
    expect(model.strategy.name).toBe(positions)
    const { next, last } = await logProbs(model, tokens)
    // float32 sums against float64 ones; log-probabilities reach −30.
    expect(furthest(next, nextLogProbs)).toBeLessThan(2e-5)
    expect(furthest(last, lastLogProbs)).toBeLessThan(2e-5)
    model.dispose()
  })
})

describe("a checkpoint that the ALiBi paper's code trained", () => {
  it('predicts and scores as that code', async () => {
    const fork = JSON.parse(await readFile(golden('paper-tiny.json'), 'utf8'))
    const { model, trainLength } = await loadFairseq(golden('paper-tiny.pt'))
    expect(trainLength).toBe(48)
    for (const { length, tokens, target_log_probs, last_position_log_probs } of fork.random_tokens) {
      const { next, last } = await logProbs(model, tokens.slice(0, length))
      // The fork's own numbers are float32.
      expect(furthest(next, target_log_probs)).toBeLessThan(2e-5)
      expect(furthest(last, last_position_log_probs)).toBeLessThan(2e-5)
    }
    const dictionary = parseFairseqDictionary(await readFile(golden('paper-tiny.dict.txt'), 'utf8'))
    const ids = dictionary.encode(await readFile(golden('paper-tiny.valid.tokens')))
    expect([...ids]).toEqual(fork.valid_token_ids)
    const text = Int32Array.from([dictionary.endOfLine, ...ids])
    for (const { tokens_per_sample: evalLength, context_window, mean_nats, tokens_scored } of fork.eval_lm_on_valid) {
      if (context_window) continue
      const { tokens, lossNats } = await evaluate(model, text, { evalLength })
      expect(tokens).toBe(tokens_scored)
      expect(Math.abs(lossNats - mean_nats)).toBeLessThan(1e-6)
    }
    model.dispose()
  })
})
