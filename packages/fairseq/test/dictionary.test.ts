import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { fairseqDictionaryOf, parseFairseqDictionary } from '../src/index.js'

const bytes = (text: string) => Buffer.from(text)

describe('the list of a training text', () => {
  it('is by frequency, then by code points, up to a multiple of 8 ids', () => {
    // U+FF5E is before U+1F600, though not in UTF-16.
    const dictionary = fairseqDictionaryOf(bytes('b a b <unk> </s>\n😀 ～ a b\nZ'))
    const padding = Array.from({ length: 7 }, (_, i) => `madeupword000${i} 0\n`).join('')
    expect(dictionary.toText()).toBe(`b 3\na 2\nZ 1\n～ 1\n😀 1\n${padding}`)
    expect(dictionary.size).toBe(16)
  })

  it('counts a made-up word that the text has once', () => {
    expect(fairseqDictionaryOf(bytes('madeupword0000 a a')).toText()).toBe(
      'a 2\nmadeupword0000 1\nmadeupword0001 0\nmadeupword0002 0\n',
    )
  })
})

describe('a dict.txt', () => {
  it('gives line n the id n + 4, and is written as it was', async () => {
    const text = await readFile(new URL('golden/paper-tiny.dict.txt', import.meta.url), 'utf8')
    const dictionary = parseFairseqDictionary(text)
    expect(dictionary.size).toBe(424)
    expect(dictionary.toText()).toBe(text)
    const first = text.slice(0, text.indexOf(' '))
    expect([...dictionary.encode(bytes(`${first} nowhere <pad>\n`))]).toEqual([4, 3, 1, 2])
    expect(dictionary.decode(Int32Array.of(4, 3, 2))).toBe(`${first} <unk> \n`)
  })

  it.each([
    ['a', 'expected a word and its count in line 1'],
    ['a 1\nb x', 'expected a word and its count in line 2'],
    ['a 1\na 1', 'expected each word once, got that of line 2 again'],
    ['<unk> 3', 'expected each word once, got that of line 1 again'],
  ])('of another kind is refused: %j', (text, message) => {
    expect(() => parseFairseqDictionary(text)).toThrow(message)
  })
})

describe('ids of a text', () => {
  const { encode } = parseFairseqDictionary('a 2\nb 1\n\u{feff}a 1\n')
  // Python's text files and `\s`, as fairseq's tokenizer has them.
  it.each<[string, string, number[]]>([
    ['a text without a newline at its end', 'a b', [4, 5, 2]],
    ['one with it', 'a b\n', [4, 5, 2]],
    ['an empty line', 'a\n\nb', [4, 2, 2, 5, 2]],
    ['no text', '', []],
    ['a lone CR', 'a\rb\r\na', [4, 2, 5, 2, 4, 2]],
    ['spaces of Python alone', 'a\u0085b\u001ca\u001fb', [4, 5, 4, 5, 2]],
    ['spaces of both', 'a\u00a0b\u3000a\tb\u000ca', [4, 5, 4, 5, 4, 2]],
    ['what Python takes for a letter', '\u{feff}a \u200bb', [6, 3, 2]],
  ])('%s', (_kind, text, ids) => {
    expect([...encode(bytes(text))]).toEqual(ids)
  })

  it('are refused for text that is not UTF-8', () => {
    expect(() => encode(Uint8Array.of(0xff))).toThrow()
  })
})
