// Models that are trained on the tokens of a tokenizer.json.
import { mkdtempSync } from 'node:fs'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { selectBackend } from '@alibi/backend'
import { none } from '@alibi/core'
import { readResults } from '@alibi/results/node'
import { createModel, evaluate, scoreAnswers } from '@alibi/transformer'
import { readCheckpointInfo } from '@alibi/transformer/node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { savedConfig } from '../src/config/saved.js'
import { textPieces } from '../src/data/text-pieces.js'
import { readTokenizer } from '../src/data/tokenizer/hugging-face.js'
import { repeatCommand } from '../src/report/repeat.js'
import { sweepCells } from '../src/sweep/cells.js'
import { planRuns, readPlan } from '../src/sweep/plan.js'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))

const folder = mkdtempSync(join(tmpdir(), 'alibi-tokens-'))
const at = (...names: string[]) => join(folder, ...names)
const bloom = fileURLToPath(new URL('golden/bloom', import.meta.url))
const sample = `${'The river is wide.\n\n  The road\tis long, and 3 dogs don’t stop.\r\nÉtudes — 漢字かな\n'.repeat(40)}end`

beforeAll(async () => {
  await selectBackend('cpu')
  await writeFile(at('text.txt'), sample)
  await cp(join(bloom, 'tokenizer.json'), at('tokenizer.json'))
})

afterAll(() => rm(folder, { recursive: true }))

/** A vocabulary as SentencePiece has it, without merges: a space before the text, ▁ for spaces, bytes for the rest. */
const sentencePiece = JSON.stringify({
  ...{ pre_tokenizer: null, post_processor: null },
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  },
  decoder: {
    type: 'Sequence',
    decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }],
  },
  added_tokens: [
    { id: 0, content: '<unk>', special: true },
    { id: 1, content: '<s>', special: true },
    { id: 2, content: '</s>', special: true },
  ],
  model: {
    type: 'BPE',
    unk_token: '<unk>',
    byte_fallback: true,
    fuse_unk: true,
    merges: ['▁ T', 'h e', '▁T he'],
    vocab: Object.fromEntries(
      [
        '<unk>',
        '<s>',
        '</s>',
        ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`),
        ...'▁Theriviswdoalng,.',
        '▁T',
        'he',
        '▁The',
      ]
        .filter((each, i, all) => all.indexOf(each) === i)
        .map((token, i) => [token, i]),
    ),
  },
})

it.each(['byte-level', 'SentencePiece'])('reads a text piece by piece as at once: %s', async (kind) => {
  const folder = at(kind)
  await mkdir(folder)
  if (kind === 'SentencePiece') await writeFile(join(folder, 'tokenizer.json'), sentencePiece)
  const tokenizer = await readTokenizer(kind === 'SentencePiece' ? folder : bloom)
  const text = Buffer.from(sample)
  const whole = [...tokenizer.encode(text)]
  for (const piece of [7, 64, 1000]) {
    const pieces = []
    for await (const each of textPieces([text.subarray(0, 100), text.subarray(100)], piece)) pieces.push(each)
    expect(Buffer.concat(pieces)).toEqual(text)
    expect(pieces.length).toBeGreaterThan(2)
    expect(pieces.flatMap((each, i) => [...tokenizer.encode(each, { continues: i > 0 })])).toEqual(whole)
  }
})

it('writes in bytes what a Unigram has no piece for', async () => {
  const unigram = fileURLToPath(new URL('golden/unigram', import.meta.url))
  const tokenizer = await readTokenizer(unigram)
  const { ids } = JSON.parse(await readFile(join(unigram, 'ids.json'), 'utf8')) as { ids: Record<string, number[]> }
  for (const [text, expected] of Object.entries(ids)) {
    expect([...tokenizer.encode(Buffer.from(text), { marked: true })], text).toEqual(expected)
    expect(tokenizer.locate(Buffer.from(text)).byteEnds.at(-1) ?? 0).toBe(Buffer.byteLength(text))
  }
})

describe('training on a tokenizer.json', () => {
  const model =
    '--architecture bloom --train-length 8 --batch-size 2 --num-layers 1 --model-dim 8 --num-heads 2 --checkpoint-every 1'.split(
      ' ',
    )
  const train = (...words: string[]) => bench('train', '--data', at('text.txt'), ...model, '--backend', 'cpu', ...words)
  const problem = async (...words: string[]) => {
    const { code, stderr } = await bench(...words)
    expect(code).toBe(1)
    return stderr.at(-1)
  }
  const run = at('run')
  const checkpoint = join(run, 'checkpoints', 'alibi-seed1')

  it('keeps it in results and checkpoints, which need the file no more', async () => {
    const file = at('elsewhere', 'tokenizer.json')
    await mkdir(at('elsewhere'))
    await cp(at('tokenizer.json'), file)
    expect((await train('--tokenizer', file, '--first-token', 'bos', '--steps', '2', '--out', run)).code).toBe(0)
    const config = savedConfig((await readResults(run)).run)!
    expect(config).toMatchObject({
      tokenizer: 'tokens',
      vocabularySize: 280,
      firstToken: 'bos',
      tokenizerFile: { path: file },
    })
    expect(repeatCommand(config)).toContain(`--tokenizer ${file}`)
    expect(repeatCommand(config)).not.toContain('vocabulary-size')
    const { config: sizes, metadata } = await readCheckpointInfo(checkpoint)
    expect(sizes.vocabularySize).toBe(280)
    expect(metadata).toMatchObject({ firstToken: 'bos', tokenizer: { kind: 'tokens' } })

    await rm(at('elsewhere'), { recursive: true })
    expect((await train('--resume', '--out', run)).code).toBe(0)
    const { stdout, stderr } = await bench(
      'eval',
      checkpoint,
      '--data',
      at('text.txt'),
      '--eval-tokens',
      '40',
      '--backend',
      'cpu',
    )
    expect(stderr.join('\n')).toContain('reads bos before each window')
    expect(JSON.parse(stdout[0]!)).toMatchObject({ tokens: 40, firstToken: 'bos' })
    expect((await bench('export', checkpoint, '--to', 'bloom', '--out', at('exported'))).stderr).toEqual([])
    expect(await readFile(at('exported', 'tokenizer.json'), 'utf8')).toBe(await readFile(at('tokenizer.json'), 'utf8'))
    expect(JSON.parse(await readFile(at('exported', 'tokenizer_config.json'), 'utf8'))).toMatchObject({
      bos_token: '<s>',
    })
  })

  it('goes on only with the one that it was begun with', async () => {
    const json = JSON.parse(await readFile(at('tokenizer.json'), 'utf8'))
    json.added_tokens.push({ id: 280, content: '<more>', special: true })
    await writeFile(at('other.json'), JSON.stringify(json))
    const resume = ['train', '--resume', '--out', run, '--backend', 'cpu']
    expect(await problem(...resume, '--tokenizer', at('other.json'))).toContain('expected the tokenizer that')
    expect((await bench(...resume, '--tokenizer', at('tokenizer.json'))).code).toBe(0)
    const results = join(run, 'results.jsonl')
    const before = await readFile(results, 'utf8')
    await writeFile(
      results,
      before.replace(/"sha256":"./, '"sha256":"_').replace('_', before.includes('"sha256":"0') ? '1' : '0'),
    )
    expect(await problem(...resume)).toContain('expected a tokenizer with the hash')
    await writeFile(results, before)
  })

  it('is that of a model that training goes on from', async () => {
    const on = ['train', '--from', checkpoint, '--data', at('text.txt'), '--steps', '1', '--backend', 'cpu']
    expect(await problem(...on, '--tokenizer', at('tokenizer.json'), '--out', at('never'))).toContain(
      'expected no --tokenizer with --from',
    )
    expect((await bench(...on, '--out', at('on'))).code).toBe(0)
    const { config } = (await readResults(at('on'))).run
    expect(config).toMatchObject({ tokenizer: 'tokens', vocabularySize: 280, firstToken: 'bos' })
    expect(config).not.toHaveProperty('tokenizerFile')
  })

  it('is a setting of plans, whose cells are the same wherever it lies', async () => {
    const settings = { tokenizer: './tokenizer.json', data: './text.txt', evalLengths: [8] }
    const plan = { strategies: ['none'], trainLengths: [8], seeds: [1], settings }
    await mkdir(at('moved'))
    await cp(at('tokenizer.json'), at('moved', 'tokenizer.json'))
    const ids = []
    for (const folder of [at(), at('moved')]) {
      await writeFile(join(folder, 'plan.json'), JSON.stringify(plan))
      const runs = planRuns(await readPlan(join(folder, 'plan.json')), folder)
      expect(runs[0]).toMatchObject({
        tokenizer: 'tokens',
        vocabularySize: 280,
        tokenizerFile: { path: join(folder, 'tokenizer.json') },
      })
      ids.push(sweepCells({ runs, texts: ['a'], backend: { name: 'cpu', device: '' } })[0]!.id)
      const [other] = planRuns(await readPlan(join(folder, 'plan.json')), folder, { tokenizer: 'prose' })
      expect(other).toMatchObject({ tokenizer: 'prose' })
      expect(other).not.toHaveProperty('tokenizerFile')
    }
    expect(ids[0]).toBe(ids[1])
  })

  it.each([
    ['{', 'tokenizer: expected JSON in bad.json'],
    ['{"model": {"vocab": {"a": -1}, "type": "BPE"}}', 'model.vocab.a: expected at least 0, got -1'],
    [
      '{"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": "x", "content": "y"}]}',
      'added_tokens.0.id: expected a finite number',
    ],
    ['{"model": {"type": "Abacus", "vocab": {}}}', 'tokenizer: cannot read bad.json'],
    ['[]', 'expected an object'],
  ])('refuses a file that is none: %s', async (content, message) => {
    await writeFile(at('bad.json'), content)
    expect(await problem('train', '--tokenizer', at('bad.json'), '--out', at('never'))).toContain(message)
  })

  it('refuses what cannot go together, in one line', async () => {
    const file = ['train', '--tokenizer', at('tokenizer.json'), '--out', at('never')]
    expect(await problem('train', '--tokenizer', at('absent.json'))).toContain('absent.json, which is not there')
    expect(await problem('train', '--first-token', 'bos')).toContain(
      'expected a tokenizer.json for first token bos, got bytes',
    )
    expect(await problem(...file, '--vocabulary-size', '9')).toContain(
      'expected no --vocabulary-size with a tokenizer.json, which has 280',
    )
    expect(
      await problem('run', '--tokenizer', at('tokenizer.json'), '--first-token', 'bos', '--protocols', 'streaming'),
    ).toContain('got streaming')
    expect(await problem(...file, '--data', at('text.txt'), '--first-token', 'eos', '--backend', 'cpu')).toContain(
      'got eos; it has none',
    )
  })
})

it('bos is read by every window in place of its first token', async () => {
  const model = createModel({ vocabularySize: 12, numLayers: 1, modelDim: 8, numHeads: 2 }, none())
  const text = Int32Array.from({ length: 23 }, (_, i) => (i * 7) % 11)
  const { lossNats, tokens } = await evaluate(model, Int32Array.of(11, ...text), { evalLength: 5, firstToken: 11 })
  const windows = Array.from({ length: 5 }, (_, i) => Int32Array.of(11, ...text.subarray(5 * i, 5 * i + 5)))
  const scores = await scoreAnswers(
    model,
    windows.map((each) => ({ tokens: each, answerLength: each.length - 1 })),
  )
  const all = scores.flatMap((score) => [...score.lossNats])
  expect(tokens).toBe(23)
  expect(lossNats).toBeCloseTo(all.reduce((a, b) => a + b) / 23, 5)
  await expect(evaluate(model, text, { evalLength: 5, firstToken: 12 })).rejects.toThrow('expected tokens from 0 to 11')
  await expect(evaluate(model, text, { evalLength: 5, firstToken: 1, protocol: 'streaming' })).rejects.toThrow(
    'no firstToken when streaming',
  )
  model.dispose()
})
