// The ids of a tokenizer.json are those of Rust's tokenizers, and long texts are read in short time.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Tokenizer as Library } from '@huggingface/tokenizers'
import { describe, expect, it } from 'vitest'
import { readTokenizerFile } from '../src/data/tokenizer/hugging-face.js'
import type { Tokenizer } from '../src/data/tokenizer/tokenizer.js'

const pathOf = (name: string) => fileURLToPath(new URL(`golden/tokenizers/${name}.json`, import.meta.url))
const json = async (name: string) => JSON.parse(await readFile(pathOf(name), 'utf8'))
const { versions, texts, ids, prompts } = (await json('ids')) as {
  versions: { tokenizers: string }
  texts: string[]
  ids: Record<string, number[][]>
  prompts: Record<string, number[][]>
}
const idsOf = (tokenizer: Tokenizer, text: string) => [...tokenizer.encode(Buffer.from(text))]

describe.each(Object.keys(ids))(`%s, as of tokenizers ${versions.tokenizers}`, (name) => {
  it('random texts in many scripts', async () => {
    const tokenizer = await readTokenizerFile(pathOf(name))
    // Twice: words are found, and then known.
    for (let time = 0; time < 2; time++)
      for (const [i, text] of texts.entries()) expect(idsOf(tokenizer, text), text).toEqual(ids[name]![i])
  })

  it('the same as prompts, where names of special tokens are these tokens', async () => {
    const tokenizer = await readTokenizerFile(pathOf(name))
    for (const [i, text] of texts.entries()) {
      expect([...tokenizer.encodePrompt(text)], text).toEqual(prompts[name]![i])
      expect([...tokenizer.encode(Buffer.from(text), { marked: true })], text).toEqual(prompts[name]![i])
    }
    expect(prompts[name]).not.toEqual(ids[name])
  })

  it('where each token of a text is', async () => {
    const tokenizer = await readTokenizerFile(pathOf(name))
    for (const text of texts) {
      const { tokens, byteEnds } = tokenizer.locate(Buffer.from(text))
      expect([...tokens]).toEqual(idsOf(tokenizer, text))
      expect(byteEnds.at(-1)).toBe(Buffer.byteLength(text))
    }
  })
})

it.each(['gpt2', 'llama-2', 'llama-3'])('more different words than are kept: %s', async (name) => {
  const tokenizer = await readTokenizerFile(pathOf(name))
  const library = new Library(await json(name), {})
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
