// Documents that are packed in rows and do not see each other.
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { cellName } from '@alibi/results'
import { readResults } from '@alibi/results/node'
import { createModel, createTrainer, scoreAnswers } from '@alibi/transformer'
import { readCheckpointInfo } from '@alibi/transformer/node'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { documentIds } from '../src/data/tokenizer/document-marks.js'
import { evaluateDocuments } from '../src/experiment/evaluate-documents.js'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))

const folder = mkdtempSync(join(tmpdir(), 'alibi-pack-'))
const at = (...names: string[]) => join(folder, ...names)
const texts = Array.from({ length: 40 }, (_, i) => `${i} is ${'even odd '.slice(0, 1 + (i % 9))}`.repeat(1 + (i % 3)))
const model = () =>
  createModel({ vocabularySize: 256, numLayers: 2, modelDim: 8, numHeads: 2 }, alibi({ numHeads: 2 }), 3)

beforeAll(async () => {
  await selectBackend('cpu')
  vi.stubEnv('XDG_CACHE_HOME', at('cache'))
  await writeFile(at('records.jsonl'), texts.map((text) => JSON.stringify({ text })).join('\n'))
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const packed = (...documents: string[]) => Int32Array.from(Buffer.from(documents.map((text) => `\0${text}`).join('')))

it('a document begins with its mark', () => {
  expect([...documentIds(0)(packed('ab', '', 'c').subarray(2))]).toEqual([0, 1, 2, 2])
})

it('a packed row has the losses that its documents have alone', async () => {
  const own = model()
  const documents = ['the first one', 'x', 'and the third']
  const row = packed(...documents, '')
  // The last token of a document predicts the mark of the next.
  const alone = documents.map((text) => packed(text, ''))
  const scores = await scoreAnswers(
    own,
    alone.map((tokens) => ({ tokens, answerLength: tokens.length - 1 })),
  )
  const losses = scores.flatMap(({ lossNats }) => [...lossNats])
  const trainer = createTrainer(own, { kind: 'adamw', learningRate: 0.01 }, { documents: documentIds(0) })
  expect(await trainer.trainStep([row])).toBeCloseTo(losses.reduce((a, b) => a + b) / losses.length, 5)
  trainer.dispose()
  own.dispose()
})

it('held-out documents are scored one by one, each in windows from its start', async () => {
  const own = model()
  const documents = ['a document of some length', 'short', '', 'and one more']
  const tokens = packed(...documents)
  const byteEnds = Int32Array.from(tokens, (_, i) => tokens.subarray(0, i + 1).filter(Boolean).length)
  const cell = { strategy: 'alibi', trainLength: 8, seed: 3, size: '' }
  const work = { progress: { line() {}, start() {}, update() {}, stop() {} }, signal: new AbortController().signal }
  const request = (maxTokens: number) => ({
    ...{ cell, documentMark: 0, maxTokens },
    reading: { evalLength: 10, protocol: 'nonoverlapping', stride: 10 } as const,
  })
  const { whole, positions } = await evaluateDocuments(own, { tokens, byteEnds }, request(1000), work)
  const windows = documents
    .map((text) => packed(text))
    .flatMap((all) =>
      Array.from({ length: Math.ceil((all.length - 1) / 10) }, (_, i) => all.subarray(10 * i, 10 * i + 11)),
    )
  expect(windows.map(({ length }) => length)).toEqual([11, 11, 6, 6, 11, 3])
  const scores = await scoreAnswers(
    own,
    windows.map((window) => ({ tokens: window, answerLength: window.length - 1 })),
  )
  const losses = scores.flatMap(({ lossNats }) => [...lossNats])
  const mean = losses.reduce((a, b) => a + b) / losses.length
  expect(whole).toMatchObject({ documents: 3, tokens: 42 })
  expect(whole.lossNats).toBeCloseTo(mean, 5)
  // A byte a token.
  expect(whole.bitsPerByte).toBeCloseTo(mean / Math.LN2, 5)
  expect(positions.bins.reduce((sum, bin) => sum + bin.tokens, 0)).toBe(42)
  expect((await evaluateDocuments(own, { tokens, byteEnds }, request(27), work)).whole).toMatchObject({
    documents: 2,
    tokens: 27,
  })
  await expect(
    evaluateDocuments(own, { tokens: packed(''), byteEnds: Int32Array.of(0) }, request(9), work),
  ).rejects.toThrow('at least one token')
  own.dispose()
})

const sizes =
  '--train-length 16 --batch-size 2 --num-layers 1 --model-dim 8 --num-heads 2 --checkpoint-every 1 --backend cpu'
const words = (text: string) => text.split(' ')

it('the name of a mark in a document is text: it begins no other document', async () => {
  const tokenizer = fileURLToPath(new URL('golden/tokenizers/gpt2.json', import.meta.url))
  const named = texts.map((text, i) => JSON.stringify({ text: i % 10 === 9 ? `${text} <|endoftext|> ${text}` : text }))
  await writeFile(at('named.jsonl'), named.join('\n'))
  const trained = ['train', '--data', at('named.jsonl'), '--tokenizer', tokenizer, '--pack', '--out', at('named')]
  expect((await bench(...trained, ...words(sizes), '--steps', '1')).code).toBe(0)
  const checkpoint = at('named', 'checkpoints', 'alibi-seed1')
  const asked = ['eval', checkpoint, '--data', at('named.jsonl'), '--eval-tokens', '100000', '--backend', 'cpu']
  const { stdout, stderr } = await bench(...asked)
  // Every tenth record is held out.
  expect(JSON.parse(stdout[0]!)).toMatchObject({ documents: 4 })
  expect(stderr.join('\n')).toContain('the text has <|endoftext|> in it, which is read as text')
})

it('a run trains, evaluates and resumes', async () => {
  const out = at('run')
  const run = (steps: string, ...more: string[]) =>
    bench(
      'run',
      '--data',
      at('records.jsonl'),
      '--pack',
      '--strategies',
      'alibi,none',
      ...words(sizes),
      '--steps',
      steps,
      '--eval-lengths',
      '16,32',
      '--eval-tokens',
      '60',
      '--out',
      out,
      ...more,
    )
  expect((await run('2')).stderr.filter((line) => line.startsWith('bench:'))).toEqual([])
  const { run: about, evals } = await readResults(out)
  expect(about.config).toMatchObject({ pack: true })
  expect(evals.map((line) => [cellName(line), line.evalLength, line.documents])).toEqual(
    ['alibi', 'none'].flatMap((strategy) =>
      [16, 32].map((length) => [`${strategy}-seed1`, length, expect.any(Number)]),
    ),
  )
  const checkpoint = join(out, 'checkpoints', 'alibi-seed1')
  expect((await readCheckpointInfo(checkpoint)).metadata).toMatchObject({ pack: true })
  expect((await run('2', '--resume')).code).toBe(0)
  // As it was trained, where nobody says otherwise.
  const { stdout } = await bench('eval', checkpoint, '--eval-lengths', '32', '--eval-tokens', '60', '--backend', 'cpu')
  const line = JSON.parse(stdout[0]!)
  expect(line.documents).toBe(evals[1]!.documents)
  expect(line.lossNats).toBeCloseTo(evals[1]!.lossNats, 6)
  const other = await bench('eval', checkpoint, '--pack', '--protocol', 'sliding', '--backend', 'cpu')
  expect(other.stderr.at(-1)).toContain('expected --pack without --protocol sliding')
})

it.each([
  ['run --pack --tokenizer prose', 'got tokenizer prose, which has no token between documents'],
  ['run --pack --protocols nonoverlapping,sliding', 'got protocols nonoverlapping,sliding'],
  ['run --pack --windowed-control', 'got windowedControl'],
  ['run --pack --random-positions 9999', 'got randomPositions 9999'],
  ['run --pack --data task:addition --eval-lengths 16', 'got pack'],
  ['train --pack --data typescript --backend cpu', 'expected files of documents for --pack, got typescript'],
])('is refused where it means nothing: %s', async (command, message) => {
  const { code, stderr } = await bench(...words(command), '--out', at('never'))
  expect(stderr.at(-1)).toContain(message)
  expect(code).toBe(1)
})

it('scores documents that are shorter than a length, all of them together too, as any longer length does', async () => {
  const out = at('short')
  const lengths = ['--eval-lengths', '512,4096', '--protocols', 'nonoverlapping', '--eval-tokens', '4096']
  const { code, stderr } = await bench(
    ...['run', '--data', at('records.jsonl'), '--pack', '--strategies', 'alibi', '--steps', '1', '--out', out],
    ...[...words(sizes), ...lengths],
  )
  expect(code, stderr.join('\n')).toBe(0)
  const [first, second] = (await readResults(out)).evals
  expect(first!.tokens).toBeLessThan(512)
  expect(second).toMatchObject({ tokens: first!.tokens, lossNats: first!.lossNats })
})
