import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseFairseqDictionary } from '@alibi/fairseq'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { evalCommand } from '../src/commands/eval.js'
import { exportCommand } from '../src/commands/export.js'
import { encodedParts, locatePieces } from '../src/data/encoded-pieces.js'
import { textPieces } from '../src/data/text-pieces.js'
import type { Piece } from '../src/data/text-stream.js'
import { fairseqTokenizer } from '../src/data/tokenizer/fairseq.js'
import { restoreTokenizer } from '../src/data/tokenizer/restore.js'

// A checkpoint that the ALiBi paper's code trained, and what its fairseq-eval-lm says of a text (tooling/golden/fairseq.py).
const golden = (name: string) =>
  fileURLToPath(new URL(`../../../packages/fairseq/test/golden/paper-tiny.${name}`, import.meta.url))
const fork = JSON.parse(await readFile(golden('json'), 'utf8'))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-fairseq-'))
  await cp(golden('pt'), join(folder, 'tiny.pt'))
  await cp(golden('dict.txt'), join(folder, 'dict.txt'))
  await cp(golden('valid.tokens'), join(folder, 'valid.tokens'))
})
afterAll(() => rm(folder, { recursive: true }))

interface Printed {
  readonly tokens: number
  readonly lossNats: number
  readonly bitsPerByte: number
  readonly strategy: string
  readonly trainLength: number
}

/** What `bench eval` prints, a line of JSON a length. */
async function evaluate(checkpoint: string, ...options: string[]): Promise<Printed[]> {
  const log = vi.spyOn(console, 'log').mockReturnValue()
  const errors = vi.spyOn(console, 'error').mockReturnValue()
  try {
    await evalCommand().parseAsync([join(folder, checkpoint), ...options], { from: 'user' })
    return log.mock.calls.map(([line]) => JSON.parse(line))
  } finally {
    log.mockRestore()
    errors.mockRestore()
  }
}
const whole = () => ['--data', join(folder, 'valid.tokens'), '--whole']

it('scores a text as the paper did, within and beyond the train length', async () => {
  const lines = await evaluate('tiny.pt', ...whole(), '--eval-lengths', '48,192,768')
  for (const [i, length] of [48, 192, 768].entries()) {
    const { mean_nats } = of(length, 0)
    expect(lines[i]).toMatchObject({ strategy: 'alibi', trainLength: 48, tokens: 2275, firstToken: 'eos' })
    expect(Math.abs(lines[i]!.lossNats - mean_nats)).toBeLessThan(1e-6)
  }
  const bytes = (await readFile(golden('valid.tokens'))).length
  expect(lines[0]!.bitsPerByte).toBeCloseTo((lines[0]!.lossNats * 2275) / Math.LN2 / bytes, 12)
})

const of = (length: number, context: number): { mean_nats: number } =>
  fork.eval_lm_on_valid.find(
    (each: { tokens_per_sample: number; context_window: number }) =>
      each.tokens_per_sample === length && each.context_window === context,
  )

it.each([
  [96, 1],
  [96, 48],
  [192, 24],
])("slides windows of %i tokens by %i as the paper's code does", async (length, stride) => {
  const places = stride === 1 ? [] : ['--windows', 'fairseq']
  const sliding = ['--protocol', 'sliding', '--stride', `${stride}`, '--eval-lengths', `${length}`]
  const [line] = await evaluate('tiny.pt', ...whole(), ...sliding, ...places)
  expect(line!.tokens).toBe(2275)
  expect(Math.abs(line!.lossNats - of(length, length - stride).mean_nats)).toBeLessThan(1e-6)
})

it('reads the held-out part from its first token on if that is asked for', async () => {
  const [part] = await evaluate('tiny.pt', '--data', join(folder, 'valid.tokens'), '--first-token', 'none')
  const [more] = await evaluate('tiny.pt', '--data', join(folder, 'valid.tokens'))
  expect(part!.tokens).toBeLessThan(300)
  expect(more!.tokens).toBe(part!.tokens + 1)
})

it('takes the words from the text that the model was trained on', async () => {
  // As often as dict.txt says, its made-up words left out.
  const words = (await readFile(golden('dict.txt'), 'utf8')).trim().split('\n')
  const text = words.flatMap((line) => {
    const at = line.lastIndexOf(' ')
    return Array.from({ length: Number(line.slice(at + 1)) }, () => line.slice(0, at))
  })
  const train = join(folder, 'train.txt')
  await writeFile(train, `\n${text.reverse().join('\n')}\n`)
  await mkdir(join(folder, 'bare'))
  await cp(golden('pt'), join(folder, 'bare/tiny.pt'))
  await expect(evaluate('bare/tiny.pt', ...whole())).rejects.toThrow(
    'expected dict.txt beside tiny.pt, got none; give it',
  )
  const [line] = await evaluate('bare/tiny.pt', ...whole(), '--vocabulary', train)
  expect(Math.abs(line!.lossNats - of(48, 0).mean_nats)).toBeLessThan(1e-6)
  await writeFile(train, 'a few other words\n')
  await expect(evaluate('bare/tiny.pt', ...whole(), '--vocabulary', train)).rejects.toThrow(
    'expected 424 words, the rows of the tables of tiny.pt, got 8',
  )
})

it('has the words of a text that is read in pieces, as of the whole', async () => {
  const text = (await readFile(golden('valid.tokens'))).subarray(0, 3000)
  const words = parseFairseqDictionary(await readFile(golden('dict.txt'), 'utf8'))
  const tokenizer = restoreTokenizer(fairseqTokenizer(words).toJSON())
  const whole = words.locate(text)
  async function* inPieces(documents: readonly Uint8Array[]): AsyncGenerator<Piece> {
    for (const document of documents) {
      let starts = true
      for await (const piece of textPieces([document], 50)) {
        yield { text: piece, starts }
        starts = false
      }
    }
  }
  const parts: number[] = []
  for await (const part of encodedParts(inPieces([text]), tokenizer, {})) parts.push(...part)
  expect(parts).toEqual([...whole.tokens])
  expect(await locatePieces(inPieces([text]), tokenizer, {}, Infinity)).toEqual(whole)
  // Documents without newlines at their ends are lines.
  const documents = ['a b', 'c\n', 'd'].map((each) => Buffer.from(each))
  const lines = await locatePieces(inPieces(documents), tokenizer, {}, Infinity)
  expect(lines.tokens).toEqual(words.encode(Buffer.from('a b\nc\n\nd')))
})

it('writes the checkpoint back for fairseq, with its words', async () => {
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await exportCommand()
    .parseAsync([join(folder, 'tiny.pt'), '--to', 'fairseq', '--out', join(folder, 'back')], { from: 'user' })
    .finally(() => log.mockRestore())
  expect(await readFile(join(folder, 'back/dict.txt'), 'utf8')).toBe(await readFile(golden('dict.txt'), 'utf8'))
  const [line] = await evaluate('back/model.pt', ...whole())
  expect(Math.abs(line!.lossNats - of(48, 0).mean_nats)).toBeLessThan(1e-6)
})

it('refuses in one line', async () => {
  const refused = (message: string, ...options: string[]) =>
    expect(evaluate('tiny.pt', ...options)).rejects.toThrow(message)
  await refused('expected --strategy alibi, sinusoidal, none for a file of fairseq, got ./x.ts', '--strategy', './x.ts')
  await refused('expected the strategy alibi, which the file says', '--strategy', 'none')
  await refused('got bos; it has none', ...whole(), '--first-token', 'bos')
  await refused('expected --data with a file or folder for --whole, got typescript', '--data', 'typescript', '--whole')
  await refused('expected a file or folder with --whole, got /nowhere', '--data', '/nowhere', '--whole')
  await refused('expected windows full when streaming', ...whole(), '--protocol', 'streaming', '--windows', 'fairseq')
})
