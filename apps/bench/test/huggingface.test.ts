import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTokenizer } from '../src/data/tokenizer/hugging-face.js'
import { createTextStream } from '../src/data/tokenizer/text-stream.js'
import { byteTokenizer, wordTokenizerOf } from '../src/data/tokenizer/tokenizer.js'

// A folder that transformers saved, and what it computes from it (tooling/golden/huggingface.py).
const bloom = fileURLToPath(new URL('golden/bloom', import.meta.url))
const expected = JSON.parse(await readFile(join(bloom, 'expected.json'), 'utf8'))

// The command line as a person starts it, built by `npm test` before the tests.
const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))
const run = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [bench, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })
const start = (...args: string[]) => run(...args, '--backend', 'cpu')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-bench-'))
  await writeFile(join(folder, 'train.txt'), 'unused')
  await writeFile(join(folder, 'valid.txt'), expected.text)
})
afterAll(() => rm(folder, { recursive: true }))

describe('tokenizers', () => {
  it('read tokenizer.json as the library that wrote it', async () => {
    const tokenizer = await readTokenizer(bloom)
    expect([...tokenizer.encode(Buffer.from(expected.text))]).toEqual(expected.ids)
    expect(tokenizer.decode(Int32Array.from(expected.ids))).toBe(expected.text)
    expect([...tokenizer.encodePrompt('')]).toEqual(expected.start)
    expect(await tokenizer.files()['tokenizer.json']).toBe(await readFile(join(bloom, 'tokenizer.json'), 'utf8'))
  })

  it.each([
    ['bytes', byteTokenizer],
    ['words', wordTokenizerOf(Buffer.from('12 times 3 is 36 .\n'.repeat(3)), 6)],
    ['prose', wordTokenizerOf(Buffer.from("12 times <unk> “3” it's 84.\n".repeat(3)), 12, 'prose')],
  ])('of the bench give the same tokens as a tokenizer.json: %s', async (_kind, own) => {
    const at = await mkdtemp(join(folder, 'tokenizer-'))
    for (const [name, content] of Object.entries(own.files())) await writeFile(join(at, name), content)
    const text = Buffer.from(" 12 times  7 is 84.\n\n“öffentlich”\t🙂 \u0000 it's 3 \n")
    const read = await readTokenizer(at)
    expect([...read.encode(text)]).toEqual([...own.encode(text)])
    if (own === byteTokenizer) expect(read.decode(read.encode(text))).toBe(text.toString())
  })

  it('are refused in one line', async () => {
    await expect(readTokenizer(folder)).rejects.toThrow('expected a tokenizer.json in')
    const at = await mkdtemp(join(folder, 'tokenizer-'))
    await writeFile(join(at, 'tokenizer.json'), '{"model": {"type": "Abacus", "vocab": {}}}')
    await expect(readTokenizer(at)).rejects.toThrow('tokenizer: cannot read tokenizer.json in')
  })
})

it('streams text whose characters are several tokens', async () => {
  const tokenizer = await readTokenizer(bloom)
  for (const skip of [0, 3, 20]) {
    const stream = createTextStream(tokenizer, Int32Array.from(expected.ids.slice(0, skip)))
    const parts = expected.ids.slice(skip).map((id: number) => stream.push(id))
    const rest = tokenizer.decode(Int32Array.from(expected.ids.slice(skip)))
    expect(parts.join('') + stream.end()).toBe(rest)
    expect(parts.join('')).not.toContain('\uFFFD')
  }
  const bytes = createTextStream(byteTokenizer, new Int32Array(0))
  expect([0xf0, 0x9f, 0x99, 0x82].map((byte) => bytes.push(byte))).toEqual(['', '', '', '🙂'])
  expect([0xf0, 0x61].map((byte) => bytes.push(byte))).toEqual(['', '\uFFFDa'])
  expect([bytes.push(0xf0), bytes.end()]).toEqual(['', '\uFFFD'])
})

describe('a folder of transformers', () => {
  it('evaluates to its losses, within and beyond the train length', async () => {
    const { stdout, stderr } = await start('eval', bloom, '--data', folder, '--eval-lengths', '16,64')
    expect(stderr).toContain('alibi, train length 32')
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    // Every token is scored but the first.
    const first = (await readTokenizer(bloom)).decode(Int32Array.of(expected.ids[0]))
    const bytesPerToken = (Buffer.byteLength(expected.text) - first.length) / (expected.ids.length - 1)
    for (const [i, evalLength] of [16, 64].entries()) {
      const lossNats = expected.lossNats[evalLength]
      expect(lines[i]).toMatchObject({
        strategy: 'alibi',
        trainLength: 32,
        evalLength,
        tokens: expected.ids.length - 1,
      })
      // fp32 sums in other orders.
      expect(lines[i].lossNats).toBeCloseTo(lossNats, 4)
      expect(lines[i].bitsPerByte).toBeCloseTo(lossNats / Math.LN2 / bytesPerToken, 4)
    }
    expect(Math.abs(lines[0].lossNats - lines[1].lossNats)).toBeGreaterThan(1e-3)
  })

  it('continues a prompt as it does', async () => {
    const options = ['--prompt', expected.prompt, '--temperature', '0', '--max-new-tokens', '8']
    expect((await start('generate', bloom, ...options)).stdout).toBe(`${expected.prompt}${expected.greedy}\n`)
  })

  it('is refused in one line for what is missing', async () => {
    const bare = join(folder, 'bare')
    await cp(bloom, bare, { recursive: true })
    const { seq_length, ...config } = JSON.parse(await readFile(join(bare, 'config.json'), 'utf8'))
    await writeFile(join(bare, 'config.json'), JSON.stringify(config))
    const refused = async (message: string, ...args: string[]) => {
      const { code, stderr } = await start(...args)
      expect(stderr).toContain(message)
      expect(stderr.split('\n').filter((line) => line.startsWith('bench:'))).toHaveLength(1)
      expect(code).toBe(1)
    }
    await refused('eval: expected --train-length, got none; config.json', 'eval', bare, '--data', folder)
    await refused('expected no --strategy', 'generate', bare, '--strategy', 'x')
    await rm(join(bare, 'tokenizer.json'))
    await refused('expected a tokenizer.json in', 'generate', bare)
    expect(seq_length).toBe(32)
  })
})

describe('export', () => {
  const train = (out: string, ...more: string[]) =>
    start(
      ...['train', '--data', folder, '--out', join(folder, out), '--steps', '3', '--batch-size', '1'],
      ...['--train-length', '16', '--num-layers', '1', '--model-dim', '12', '--num-heads', '3', ...more],
    )
  const exported = (checkpoint: string, ...more: string[]) => run('export', join(folder, checkpoint), ...more)
  const losses = async (checkpoint: string) => {
    const { stdout } = await start('eval', checkpoint, '--data', folder, '--eval-lengths', '16,48')
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }

  it('gives a folder that evaluates to the losses of the checkpoint', async () => {
    await writeFile(join(folder, 'train.txt'), expected.text.repeat(4))
    await train('bloom-run', '--architecture', 'bloom')
    const checkpoint = join(folder, 'bloom-run/checkpoints/alibi-seed1')
    const { stdout } = await exported('bloom-run/checkpoints/alibi-seed1', '--to', 'bloom')
    expect(stdout).toBe(`exported 5,004 parameters: ${checkpoint}-bloom\n`)
    const [ours, theirs] = [await losses(checkpoint), await losses(`${checkpoint}-bloom`)]
    expect(ours.map(({ size }) => size)).toEqual(['1x12x3 bloom', '1x12x3 bloom'])
    for (const [i, { lossNats, tokens }] of ours.entries()) {
      expect(theirs[i]).toMatchObject({ tokens, trainLength: 16, strategy: 'alibi', size: '1x12x3 bloom' })
      expect(theirs[i].lossNats).toBeCloseTo(lossNats, 6)
    }
  })

  it('refuses in one line what has no exact form, and a folder that exists', async () => {
    const checkpoint = 'bloom-run/checkpoints/alibi-seed1'
    const refusals: [string[], string][] = [
      [['--to', 'bloom'], 'expected a new folder, got'],
      [['--to', 'mpt'], 'expected activation gelu-exact for mpt, got gelu; train a model with the architecture of mpt'],
      [['--to', 'gpt_neox', '--out', join(folder, 'neox')], 'expected embeddingNorm false for gpt_neox, got true'],
      [[], 'expected --to <family>, got none'],
    ]
    for (const [options, message] of refusals) {
      const { code, stderr } = await exported(checkpoint, ...options)
      expect(stderr).toContain(message)
      expect(stderr).not.toContain('    at ')
      expect(code).toBe(1)
    }
    expect(existsSync(join(folder, 'neox'))).toBe(false)
  })
})
