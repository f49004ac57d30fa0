// Vocabularies that the bench makes.
import { mkdtempSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it, vi } from 'vitest'
import { trainBytePairs } from '../src/data/tokenizer/byte-pairs.js'
import { readTokenizer, readTokenizerFile } from '../src/data/tokenizer/hugging-face.js'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))

const folder = mkdtempSync(join(tmpdir(), 'alibi-pairs-'))
const golden = fileURLToPath(new URL('golden/byte-pairs', import.meta.url))
const { signal } = new AbortController()
afterAll(() => rm(folder, { recursive: true }))

it('has the tokens and merges that the library makes of that size', async () => {
  const made = JSON.parse(await trainBytePairs(join(golden, 'text.txt'), 400, folder, signal))
  const expected = JSON.parse(await readFile(join(golden, 'tokenizer.json'), 'utf8'))
  expect(made.model.vocab).toEqual(expected.model.vocab)
  expect(made.model.merges).toEqual(expected.model.merges)
  expect(made.added_tokens).toEqual(expected.added_tokens)
  const text = await readFile(join(golden, 'text.txt'))
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(made))
  const [own, theirs] = [await readTokenizer(folder), await readTokenizer(golden)]
  expect(own.encode(text)).toEqual(theirs.encode(text))
  expect(own.decode(own.encode(text))).toBe(text.toString())
  expect(own.marks).toEqual({ bos: 0, eos: 0 })
})

it('is made by a command, of the training part alone', async () => {
  const out = join(folder, 'own.json')
  await writeFile(join(folder, 'text.txt'), `${'abab abab\n'.repeat(90)}${'zqzq zqzq\n'.repeat(10)}`)
  const command = ['tokenizer', '--data', join(folder, 'text.txt'), '--vocabulary-size']
  const made = await bench(...command, '259', '--out', out)
  expect(made).toMatchObject({
    code: 0,
    stdout: [expect.stringMatching(/^259 tokens, 1\.\d\d bytes of held-out text each/)],
  })
  const tokenizer = await readTokenizerFile(out)
  expect(tokenizer.vocabularySize).toBe(259)
  expect(tokenizer.encode(Buffer.from('abab'))).toHaveLength(1)
  expect(tokenizer.encode(Buffer.from('zqzq'))).toHaveLength(4)
  const problem = async (...words: string[]) => (await bench(...words)).stderr.at(-1)
  expect(await problem(...command, '259', '--out', out)).toContain('expected a new file')
  expect(await problem(...command, '2000', '--out', join(folder, 'new.json'))).toMatch(
    /expected a vocabulary of at most 2\d\d /,
  )
  expect(await problem(...command, '30001', '--out', join(folder, 'new.json'))).toContain('at most 30000, got 30001')
  expect(await problem(...command, '300', '--out', join(folder, 'new'))).toContain('a file that ends in .json')
  const other = (data: string) => [
    'tokenizer',
    '--data',
    data,
    '--vocabulary-size',
    '258',
    '--out',
    join(folder, 'new.json'),
  ]
  expect(await problem(...other('passkey'))).toContain('got passkey, which is a task')
  await writeFile(join(folder, 'none.jsonl'), '')
  expect(await problem(...other(join(folder, 'none.jsonl')))).toContain('expected text to train on, got none in')
  await writeFile(join(folder, 'one.jsonl'), '{"text":"abab abab"}')
  expect((await bench(...other(join(folder, 'one.jsonl')))).stdout[0]).toMatch(/^258 tokens, no text held out: /)
})

it('ends when it is told to', async () => {
  const stopped = AbortSignal.abort(new Error('stopped'))
  await expect(trainBytePairs(join(golden, 'text.txt'), 400, folder, stopped)).rejects.toThrow('stopped')
})
