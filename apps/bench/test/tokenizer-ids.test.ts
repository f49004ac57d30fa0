// The ids of a tokenizer.json are those of Rust's tokenizers, and long texts are read in short time.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Tokenizer } from '@huggingface/tokenizers'
import { describe, expect, it } from 'vitest'
import { readTokenizerFile } from '../src/data/tokenizer/hugging-face.js'

const pathOf = (name: string) => fileURLToPath(new URL(`golden/tokenizers/${name}.json`, import.meta.url))
const json = async (name: string) => JSON.parse(await readFile(pathOf(name), 'utf8'))
const { versions, texts, ids } = (await json('ids')) as {
  versions: { tokenizers: string }
  texts: string[]
  ids: Record<string, number[][]>
}
const idsOf = (tokenizer: Awaited<ReturnType<typeof readTokenizerFile>>, text: string) => [
  ...tokenizer.encode(Buffer.from(text)),
]

describe.each(Object.keys(ids))(`%s, as of tokenizers ${versions.tokenizers}`, (name) => {
  it('random texts in many scripts', async () => {
    const tokenizer = await readTokenizerFile(pathOf(name))
    // Twice: words are found, and then known.
    for (let time = 0; time < 2; time++)
      for (const [i, text] of texts.entries()) expect(idsOf(tokenizer, text), text).toEqual(ids[name]![i])
  })
})

it.each(['gpt2', 'llama-2', 'llama-3'])('more different words than are kept: %s', async (name) => {
  const tokenizer = await readTokenizerFile(pathOf(name))
  const library = new Tokenizer(await json(name), {})
  for (let word = 0; word < 70_000; word++) tokenizer.encode(Buffer.from(`${word}the`))
  for (const word of ['0the', '65536the', '69999the', '70000the'])
    expect(idsOf(tokenizer, word)).toEqual(library.encode(word, { add_special_tokens: false }).ids)
})

it.each(['llama-2', 'unigram'])('a word as long as a text: %s', async (name) => {
  const tokenizer = await readTokenizerFile(pathOf(name))
  const half = 2 ** 17
  const whole = idsOf(tokenizer, 'ab'.repeat(half))
  const start = idsOf(tokenizer, 'ab'.repeat(100))
  expect(whole.slice(0, 50)).toEqual(start.slice(0, 50))
  expect(whole.length).toBeGreaterThan(half)
})
