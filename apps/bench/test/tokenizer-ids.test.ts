// The ids of a tokenizer.json are those of Rust's tokenizers, and long texts are read in short time.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Tokenizer as Library } from '@huggingface/tokenizers'
import { describe, expect, it } from 'vitest'
import { readAsRust } from '../src/data/tokenizer/as-rust.js'
import { readTokenizerFile } from '../src/data/tokenizer/hugging-face.js'
import type { PartJson } from '../src/data/tokenizer/hugging-face-json.js'
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
      if (tokens.length) expect(byteEnds.at(-1)).toBe(Buffer.byteLength(text))
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

describe('of every character the same class as Rust', async () => {
  const { classes } = (await json('classes')) as { classes: Record<string, [point: number, value: string][]> }
  const bert = { clean_text: false, handle_chinese_chars: false, strip_accents: false, lowercase: false }
  /** The parts of a tokenizer with one pre-tokenizer and one normalizer. */
  const partsOf = (given: { pre_tokenizer?: PartJson; normalizer?: PartJson }) => {
    const model = { type: 'WordPiece', vocab: { a: 0 }, unk_token: 'a' }
    const all = {
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: null,
      ...given,
    }
    const made = new Library({ ...all, model }, {})
    readAsRust(made, { ...all, model } as never)
    return made
  }
  /** The words of a text, as the golden file has them. */
  const placesIn = (text: string, words: readonly string[]) => {
    const characters = [...text]
    let from = 0
    return words
      .map((word) => {
        const { length } = [...word]
        while (characters.slice(from, from + length).join('') !== word) from += 1
        from += length
        return `${from - length}-${from}`
      })
      .join('|')
  }
  const kindOf = (character: string, normalized: string) =>
    normalized === `a${character}b`
      ? 'stays'
      : ({ ab: 'goes', 'a b': 'a space', [`a ${character} b`]: 'apart' }[normalized] ?? 'changes')
  /** Characters that are many of a kind, of which some are enough; beyond them and tags there are private ones alone. */
  const isDense = (point: number) =>
    (point >= 0x3400 && point < 0xe000) || (point >= 0x17000 && point < 0x19000) || point >= 0x20000
  /** Characters of another kind than Rust's, as far as it knows them. */
  const others = (name: string, kind: (character: string) => string) => {
    const each = (list: string, look: (point: number, value: string) => void) => {
      for (const [i, [from, value]] of classes[list]!.entries()) {
        const end = classes[list]![i + 1]?.[0] ?? 0x110000
        for (let point = from; point < end; point++) {
          const isEdge = point < from + 2 || point >= end - 2
          if ((!isDense(point) || isEdge || point % 97 === 0) && (point & 0xf800) !== 0xd800) look(point, value)
        }
      }
    }
    const isUnknown = (point: number) => classes.known!.findLast(([from]) => from <= point)![1] === 'goes'
    const found: string[] = []
    each(name, (point, value) => {
      if (kind(String.fromCodePoint(point)) !== value && !isUnknown(point)) found.push(point.toString(16))
    })
    return found
  }

  it.each(['BertPreTokenizer', 'Punctuation', 'WhitespaceSplit', 'Whitespace', 'Digits'])('%s', (type) => {
    const { pre_tokenizer } = partsOf({ pre_tokenizer: { type, individual_digits: true } })
    const found = others(type, (character) => placesIn(`a${character}b`, pre_tokenizer(`a${character}b`)))
    expect(found).toEqual([])
  })

  it.each(['clean_text', 'handle_chinese_chars', 'strip_accents'])('%s', (name) => {
    const { normalizer } = partsOf({ normalizer: { type: 'BertNormalizer', ...bert, [name]: true } })
    const found = others(name, (character) => kindOf(character, normalizer(`a${character}b`)))
    // Letters that are made of others since Unicode 13 and 16: Rust's leaves them whole.
    const newer =
      '105c9 105e4 11383 11385 1138e 11391 113c5 113c7 113c8 11938 16121 16122 16123 16124 16125 16126 16127 16128 16d68 16d69 16d6a'
    expect(found.filter((point) => !newer.includes(point))).toEqual([])
  })
})
