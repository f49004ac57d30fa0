// bench generate: several prompts as each alone, and where texts end.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadHuggingFace } from '@alibi/huggingface'
import { generate } from '@alibi/transformer'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { readTokenizer } from '../src/data/tokenizer/hugging-face.js'
import { byteTokenizer } from '../src/data/tokenizer/tokenizer.js'
import { writtenText } from '../src/experiment/written-text.js'
import { copyOf } from './checkpoint-folders.js'
import { bench } from './command-line.js'

// Handlers of signals would add up.
vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))

const bloom = fileURLToPath(new URL('golden/bloom', import.meta.url))
const { prompt, greedy } = JSON.parse(await readFile(join(bloom, 'expected.json'), 'utf8'))
const small = ['--backend', 'cpu', '--temperature', '0', '--max-tokens', '8']

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-generate-'))
})
afterAll(() => rm(folder, { recursive: true }))

interface Line {
  readonly prompt: string
  readonly text: string
  readonly tokens: number
  readonly end: string
}
const lines = async (...words: string[]): Promise<Line[]> => {
  const { code, stdout, stderr } = await bench('generate', ...words, ...small, '--json')
  expect(code, stderr.join('\n')).toBe(0)
  return stdout.map((line) => JSON.parse(line))
}

it('continues prompts of a file and of the command line as it does each alone', async () => {
  const file = join(folder, 'prompts.txt')
  await writeFile(file, `12 times 3\r\n\n7\n${prompt.replaceAll('\n', ' ')}x\n`)
  const all = await lines(bloom, '--prompt', prompt, '--prompt', 'a', '--prompts', file, '--batch-size', '3')
  expect(all.map((line) => line.prompt)).toEqual([prompt, 'a', '12 times 3', '7', `${prompt.replaceAll('\n', ' ')}x`])
  expect(all[0]).toEqual({ prompt, text: greedy, tokens: 8, end: 'length' })
  for (const line of all) expect(await lines(bloom, '--prompt', line.prompt)).toEqual([line])
  const { stdout } = await bench('generate', bloom, '--prompt', prompt, '--prompt', 'a', ...small)
  expect(stdout.join('\n')).toBe(`${prompt}${greedy}\n${all[1]!.prompt}${all[1]!.text}`.replace(/\n+/g, '\n').trimEnd())
})

it('ends at the tokens that config.json, generation_config.json or the tokenizer say', async () => {
  const copy = join(folder, 'bloom')
  await cp(bloom, copy, { recursive: true })
  const config = JSON.parse(await readFile(join(bloom, 'config.json'), 'utf8'))
  const [whole] = await lines(bloom, '--prompt', prompt, '--ignore-eos')
  const { model } = await loadHuggingFace(bloom)
  const tokens = (await readTokenizer(bloom)).encodePrompt(prompt)
  const id = (await generate(model, tokens, { maxNewTokens: 4, temperature: 0 }))[3]!
  await writeFile(join(copy, 'config.json'), JSON.stringify({ ...config, eos_token_id: id }))
  const [ended] = await lines(copy, '--prompt', prompt)
  expect(ended!.end).toBe('end of text')
  expect(ended!.tokens).toBeLessThan(8)
  expect(whole!.text.startsWith(ended!.text)).toBe(true)
  await writeFile(join(copy, 'generation_config.json'), JSON.stringify({ eos_token_id: [0, id] }))
  expect(await lines(copy, '--prompt', prompt)).toEqual([ended])
  expect(await lines(copy, '--prompt', prompt, '--ignore-eos')).toEqual([whole])
  await writeFile(join(copy, 'generation_config.json'), JSON.stringify({ eos_token_id: 'two' }))
  const { code, stderr } = await bench('generate', copy, ...small)
  expect([code, stderr.at(-1)]).toEqual([
    1,
    `bench: generate: expected eos_token_id of tokens from 0 to ${config.vocab_size - 1} in ${join(copy, 'generation_config.json')}, got "two"; --ignore-eos does without it`,
  ])
})

it('leaves out a stop string and what comes after it, and penalizes repetition', async () => {
  const stop = greedy.slice(2, 4)
  const [stopped] = await lines(bloom, '--prompt', prompt, '--stop', 'never', '--stop', stop)
  expect(stopped).toMatchObject({ text: greedy.slice(0, greedy.indexOf(stop)), end: 'stop' })
  const [penalized] = await lines(bloom, '--prompt', prompt, '--repetition-penalty', '5')
  expect(penalized!.text).not.toBe(greedy)
})

it('writes text as soon as it cannot be part of a stop string', () => {
  const written: string[] = []
  const write = (text: string) => void written.push(text)
  const text = (...stop: string[]) =>
    writtenText({ tokenizer: byteTokenizer, prompt: new Int32Array(), endTokens: [0], stop, write })
  const feed = (text: ReturnType<typeof writtenText>, bytes: Uint8Array) => {
    written.splice(0)
    const ends = Array.from(bytes, (byte) => text.push(byte))
    text.finish()
    expect(text.text).toBe(written.join(''))
    return ends
  }
  expect(feed(text('END', 'ENOUGH'), Buffer.from('EEN, END'))).toEqual([...Array(7).fill(undefined), 'stop'])
  expect(written).toEqual(['E', 'EN,', ' '])
  const cut = text('END')
  feed(cut, Buffer.from('an ü EN'))
  expect([...written]).toEqual(['a', 'n', ' ', 'ü', ' ', 'EN'])
  expect(cut.end).toBe('length')
  const half = text()
  feed(half, Buffer.from([0x61, 0xf0, 0x9f]))
  expect([half.text, half.end, half.numTokens]).toEqual(['a\uFFFD', 'length', 3])
  const ended = text('x')
  feed(ended, Buffer.from('ab\0'))
  expect([ended.text, ended.end, ended.numTokens]).toEqual(['ab', 'end of text', 3])
})

it.each([
  [['--stop', ''], '--stop: expected a text that ends texts, got nothing'],
  [['--repetition-penalty', '0'], 'repetitionPenalty'],
  [['--batch-size', '0'], 'batchSize'],
  [['--prompts', 'nowhere.txt'], 'generate: expected a file with prompts, got nowhere.txt, which is not there'],
])('refuses %j', async (words, message) => {
  const { code, stderr } = await bench('generate', bloom, ...words, '--backend', 'cpu')
  expect(stderr.at(-1)).toContain(message)
  expect(code).toBe(1)
})

it('refuses a prompt without tokens', async () => {
  const { code, stderr } = await bench('generate', await copyOf('checkpoint'), '--prompt', '', '--backend', 'cpu')
  expect(stderr.at(-1)).toBe('bench: generate: expected a prompt of at least 1 token, got an empty one')
  expect(code).toBe(1)
})

it('adds no more tokens than a table of positions has room for, and says so', async () => {
  const out = join(folder, 'learned')
  const model = [
    '--num-layers',
    '1',
    '--model-dim',
    '8',
    '--num-heads',
    '2',
    '--train-length',
    '16',
    '--eval-lengths',
    '16',
  ]
  const text = join(folder, 'text.txt')
  await writeFile(text, 'to be or not to be '.repeat(200))
  const { code, stderr } = await bench(
    ...['run', '--strategies', 'learned', '--data', text, '--steps', '1', '--batch-size', '1', '--eval-tokens', '32'],
    ...[...model, '--backend', 'cpu', '--out', out],
  )
  expect(code, stderr.join('\n')).toBe(0)
  const checkpoint = join(out, 'checkpoints', 'learned-seed1')
  const short = await bench('generate', checkpoint, '--prompt', 'to be or', '--json', '--backend', 'cpu')
  expect(JSON.parse(short.stdout[0]!)).toMatchObject({ tokens: 9, end: 'length' })
  expect(short.stderr).toContain("at most 9 tokens are added: the model's 16 positions end there")
  const long = await bench('generate', checkpoint, '--prompt', 'to be or not to be', '--backend', 'cpu')
  expect(long.stderr.at(-1)).toBe(
    'bench: generate: expected a prompt of at most 16 tokens, as the model has so many positions, got 18; take a shorter one',
  )
})
