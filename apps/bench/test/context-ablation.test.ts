// What a model's context is worth, on models of which it is known what they use of it.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { compose, none, type PositionStrategy, seededRandom } from '@alibi/core'
import type { ContextLine } from '@alibi/results'
import { windowed } from '@alibi/streaming'
import { createModel, evaluate } from '@alibi/transformer'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ablateContext } from '../src/experiment/context-ablation.js'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))
// Charts are drawn in report.test.ts.
vi.mock(import('../src/report/png.js'), () => ({ loadPng: async () => async () => new Uint8Array() }))

const folder = mkdtempSync(join(tmpdir(), 'alibi-context-'))
afterAll(() => rm(folder, { recursive: true }))
beforeAll(() => selectBackend('cpu'))

const work = { progress: { line() {}, start() {}, update() {}, stop() {} }, signal: new AbortController().signal }
const cell = { strategy: 'x', trainLength: 16, seed: 1, size: '1x8x2' }
const random = seededRandom(1)
const tokens = Int32Array.from({ length: 400 }, () => Math.floor(11 * random()))
const modelOf = (strategy: PositionStrategy, numLayers = 1) => {
  const model = createModel({ vocabularySize: 11, numLayers, modelDim: 8, numHeads: 2 }, strategy, 3)
  // Weights as they start are too small for attention to matter.
  for (const [name, weights] of model.parameters) if (/attention|embed/.test(name)) weights.assign(weights.mul(20))
  return model
}
const ablated = (model: ReturnType<typeof modelOf>, more: object = {}) =>
  ablateContext(
    model,
    { ...{ cell, tokens, evalLength: 64, maxTokens: 64 }, first: { mark: 'none', token: undefined }, ...more },
    work,
  )

/** Sums of a few dozen terms of size 1 in fp32, taken in another order. */
const ROUNDING = 2e-4

describe('the loss with less context', () => {
  it('has powers of two of tokens kept, and the whole window’s loss', async () => {
    const model = modelOf(alibi({ numHeads: 2 }))
    const line = await ablated(model)
    expect(line).toMatchObject({ evalLength: 64, scored: 8, windows: 8, firstToken: 'none' })
    expect(line.kept.map(({ tokens }) => tokens)).toEqual([1, 2, 4, 8, 16, 32])
    // The windows' last tokens, as evaluate scores them at their places.
    const starts = Array.from({ length: 8 }, (_, i) => i * Math.floor((400 - 64) / 7))
    let sum = 0
    for (const start of starts) {
      const { byPlace } = await evaluate(model, tokens.subarray(start, start + 64), { evalLength: 63 })
      sum += byPlace.lossNats.slice(-8).reduce((a, b) => a + b)
    }
    expect(line.lossNats).toBeCloseTo(sum / 64, 4)
  })

  it('is the same where a window of keys sees none of what is gone', async () => {
    // The first scored token's query reads itself and three before; the token that predicts it is the last that is kept.
    const line = await ablated(modelOf(compose(alibi({ numHeads: 2 }), windowed({ window: 4 }))))
    for (const { tokens, removedNats, shuffledNats, removedRise } of line.kept) {
      const differs = [removedNats, shuffledNats].map((nats) => Math.abs(nats - line.lossNats) > ROUNDING)
      expect([tokens, ...differs]).toEqual([tokens, tokens < 4, tokens < 4])
      if (tokens >= 4) expect(Math.max(...removedRise!.map(Math.abs))).toBeLessThan(ROUNDING)
    }
  })

  it('does not depend on the order of far tokens without positions, in one layer, but on their presence', async () => {
    const line = await ablated(modelOf(none()))
    for (const { removedNats, shuffledNats } of line.kept) {
      expect(Math.abs(shuffledNats - line.lossNats)).toBeLessThan(ROUNDING)
      expect(Math.abs(removedNats - line.lossNats)).toBeGreaterThan(ROUNDING)
    }
  })

  it('is of windows that begin with a token of their own, where that is asked for', async () => {
    const model = modelOf(alibi({ numHeads: 2 }))
    const [with7, without] = [await ablated(model, { first: { mark: 'bos', token: 7 } }), await ablated(model)]
    expect(with7.firstToken).toBe('bos')
    expect(with7.lossNats).not.toBeCloseTo(without.lossNats, 3)
    expect(with7.kept.map(({ tokens }) => tokens)).toEqual([1, 2, 4, 8, 16, 32])
  })

  it('is the same again, and of the same orders for other models', async () => {
    const model = modelOf(alibi({ numHeads: 2 }), 2)
    expect(await ablated(model)).toEqual(await ablated(model))
  })
})

describe('bench eval --context-ablation', () => {
  const lines = (stdout: readonly string[]) => stdout.map((line) => JSON.parse(line) as ContextLine)
  const checkpoint = join(folder, 'run/checkpoints/alibi-seed1')
  const run = (...words: string[]) => bench('eval', checkpoint, '--backend', 'cpu', '--context-ablation', ...words)
  beforeAll(async () => {
    writeFileSync(join(folder, 'text.txt'), Array.from({ length: 400 }, (_, i) => `It is number ${i}.\n`).join(''))
    const small = '--num-layers 1 --model-dim 8 --num-heads 2 --batch-size 2 --steps 1 --train-length 16 --backend cpu'
    const made = await bench(
      'train',
      ...small.split(' '),
      '--data',
      join(folder, 'text.txt'),
      '--out',
      join(folder, 'run'),
    )
    expect(made).toMatchObject({ code: 0 })
  })

  it('prints a line a length, and what each distance saves', async () => {
    const out = join(folder, 'kept')
    const ended = await run('--eval-lengths', '16,32', '--eval-tokens', '32', '--out', out)
    expect(ended.code, ended.stderr.at(-1)).toBe(0)
    expect(lines(ended.stdout)).toMatchObject([
      { type: 'context', strategy: 'alibi', evalLength: 16, scored: 2, windows: 16 },
      { type: 'context', evalLength: 32, scored: 4, windows: 8 },
    ])
    expect(ended.stderr.join('\n')).toMatch(/tokens kept \| +others removed \| +others shuffled \| +saved by the last/)
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('What the far context is worth: left out')
  })

  it.each([
    [['--protocol', 'sliding'], 'eval: expected no --protocol with --context-ablation'],
    [['--tasks', 'copy'], 'eval: expected no --tasks with --context-ablation'],
    [['--eval-lengths', '1'], 'expected windows with context for --context-ablation, got length 1'],
    [['--eval-lengths', '9000'], 'eval: expected a text of 9000 tokens or more for length 9000'],
    [['--first-token', 'bos'], 'expected --first-token with a token that the model has, got bos'],
  ])('refuses %j', async (words, message) => {
    const ended = await run(...words)
    expect(ended.code).toBe(1)
    expect(ended.stderr.at(-1)).toContain(message)
  })
})
