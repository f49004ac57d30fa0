import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { selectBackend } from '@alibi/backend'
import { none } from '@alibi/core'
import { makeReading } from '@alibi/results'
import { createModel } from '@alibi/transformer'
import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readCorpus } from '../src/data/corpus.js'
import { readSource } from '../src/data/sources.js'
import { readTokenizer } from '../src/data/tokenizer/hugging-face.js'
import { byteTokenizer, type Tokenizer, wordTokenizerOf } from '../src/data/tokenizer/tokenizer.js'
import { evaluateModel } from '../src/experiment/evaluate.js'

let folder: string
let lines: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-text-'))
  lines = []
})
afterEach(() => rm(folder, { recursive: true }))

const utf8 = (text: string) => new TextEncoder().encode(text)
const string = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
const log = (line: string) => void lines.push(line)
const read = (path = folder) => readSource(path, { log, trainLength: 8 })
const files = async (contents: Readonly<Record<string, string | Uint8Array>>) => {
  for (const [name, content] of Object.entries(contents)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

describe('the parts of a folder', () => {
  it.each([
    ['as nanoGPT names them', 'train.txt', 'val.txt', 'test.txt'],
    ['in capitals', 'TRAIN.TXT', 'Dev.TXT', 'TEST.TXT'],
    ['by another word', 'training.md', 'validation.md', 'test.md'],
    ['without extension', 'train', 'valid', 'test'],
    ['with different extensions', 'train.md', 'dev.text', 'test.csv'],
    ['after a name', 'ptb.train.txt', 'ptb.valid.txt', 'ptb.test.txt'],
    ['after a name, WikiText’s', 'wiki.train.tokens', 'wiki.valid.tokens', 'wiki.test.tokens'],
    ['as folders', 'train/a.txt', 'val/a.txt', 'test/a.txt'],
    ['in shards', 'train-00000-of-00001.txt', 'validation-00000-of-00001.txt', 'test-00000-of-00001.txt'],
  ])('are known %s', async (_how, train, valid, test) => {
    await files({ [train]: 'T'.repeat(900), [valid]: 'V'.repeat(300), [test]: 'E'.repeat(300) })
    const text = await read()
    expect(string(text.train)).toBe('T'.repeat(900))
    expect(string(text.valid)).toBe('V'.repeat(300))
    expect(text.description).toContain(`left out: ${test.split('/')[0]}`)
  })

  it('may be of several shards, and a test part alone', async () => {
    await files({ 'train-1.txt': 'one', 'train-2.txt': 'two', 'test.txt': 'held', 'README.md': 'about' })
    const text = await read()
    expect([string(text.train), string(text.valid)]).toEqual(['one\ntwo', 'held'])
    expect(text.description).toContain('left out: README.md')
  })

  it.each([
    ['train.txt', 'train.txt has no partner (valid, validation, val, dev, test)'],
    ['val.txt', 'val.txt has no partner (train)'],
  ])('without a partner are said: %s', async (name, message) => {
    await files({ [name]: 'a'.repeat(10), 'other.txt': 'b'.repeat(10) })
    expect((await read()).train.length).toBeGreaterThan(10)
    expect(lines.join('\n')).toContain(message)
  })

  it('are no part of names that only have such a word', async () => {
    await files({
      'how_to_train.txt': 'a'.repeat(50),
      'what_to_test.txt': 'b'.repeat(50),
      'trains.txt': 'c',
      'devil.txt': 'd',
    })
    const { train, valid } = await read()
    expect(train.length + valid.length).toBe(50 + 50 + 1 + 1 + 3)
  })
})

describe('a file of text', () => {
  it('loses its byte order mark, also where files are joined', async () => {
    await files({ 'a.txt': '\ufeffone', 'b.txt': '\ufefftwo', 'c.txt': 'th\ufeffree' })
    const { train, valid } = await read()
    expect(string(Buffer.concat([train, valid]))).toBe('one\ntwo\nth\ufeffree')
  })

  const swap = (bytes: Buffer) => Buffer.from(bytes).swap16()
  const latin = 'Some text, and a line.\nAnother one.\n'
  const cjk = '漢字かな交じり文です。これは試験の文章である。'
  it.each([
    ['UTF-16 (little-endian)', Buffer.from(`\ufeff${cjk}`, 'utf16le')],
    ['UTF-16 (big-endian)', swap(Buffer.from(`\ufeff${cjk}`, 'utf16le'))],
    ['UTF-16 (little-endian)', Buffer.from(`\ufeff${latin}`, 'utf16le')],
    ['UTF-16 (little-endian, without its mark)', Buffer.from(latin, 'utf16le')],
    ['UTF-16 (big-endian, without its mark)', swap(Buffer.from(latin, 'utf16le'))],
    ['UTF-16 (little-endian, without its mark)', Buffer.from(`${cjk}\n${cjk}`, 'utf16le')],
    ['UTF-16 (little-endian, without its mark)', Buffer.from(cjk.repeat(9), 'utf16le')],
    ['UTF-16 (big-endian, without its mark)', swap(Buffer.from(cjk.repeat(9), 'utf16le'))],
    ['UTF-16 (little-endian, without its mark)', Buffer.from('Это проверка текста по-русски.', 'utf16le')],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0])],
  ])('in %s is told as such', async (encoding, content) => {
    await files({ 'a.txt': content })
    await expect(read(join(folder, 'a.txt'))).rejects.toThrow(`a.txt, which is ${encoding}; save it as UTF-8`)
  })

  it('has no zero byte anywhere', async () => {
    const content = Buffer.alloc(200_001, 'text ')
    content[150_000] = 0
    await files({ 'a.txt': content })
    await expect(read(join(folder, 'a.txt'))).rejects.toThrow('which is binary (byte 150000 is zero)')
  })

  it('that is no UTF-8 is kept, and said', async () => {
    const content = Buffer.from('Les élèves étaient là. '.repeat(20), 'latin1')
    await files({ 'a.txt': content })
    const { train, valid } = await read(join(folder, 'a.txt'))
    expect(Buffer.concat([train, valid])).toEqual(content)
    expect(lines).toEqual([expect.stringContaining('is not all UTF-8')])
  })

  it('may be a link in a folder', async () => {
    await files({ 'in/a.txt': 'one', 'b.txt': 'two' })
    await symlink(join(folder, 'b.txt'), join(folder, 'in/b.txt'))
    const { train, valid } = await read(join(folder, 'in'))
    expect(string(Buffer.concat([train, valid]))).toBe('one\ntwo')
  })

  it('is cut where a character begins', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), async (content) => {
        const clean = string(utf8(content)).replace(/[\0\ufeff]/g, '.')
        await files({ 'a.txt': clean })
        const { train, valid } = await read(join(folder, 'a.txt'))
        expect(string(train) + string(valid)).toBe(clean)
      }),
    )
  })
})

describe('words', () => {
  const words = (text: string, kind: 'words' | 'prose') =>
    Object.keys(JSON.parse(wordTokenizerOf(utf8(text), 100, kind).files()['tokenizer.json']!).model.vocab).slice(2)

  it('keep marks, joiners and apostrophes in prose', () => {
    const one = [
      'हिन्दी',
      'e\u0301tude',
      'می\u200cخواهم',
      'क्\u200dष',
      'Don’t',
      "l'eau",
      'col·lecció',
      'co\u00adop',
      'צה״ל',
      'ไม่',
      'नमस्ते',
    ]
    for (const word of one) expect(words(`(${word})`, 'prose').sort()).toEqual(['(', ')', word].sort())
    expect(words('हिन्दी में लिखा', 'prose')).toHaveLength(3)
    expect(words('❤\ufe0f', 'prose')).toEqual(['❤\ufe0f'])
    expect(words("rock 'n' roll", 'prose').sort()).toEqual(["'", 'n', 'rock', 'roll'])
  })

  it('end at Unicode’s spaces, and lines at a lone CR too', () => {
    expect(words('\ufeffStart x\ufeffy a\x85b c\x1fd e\u180ef\u3000g', 'words').sort()).toEqual(
      ['\ufeffStart', 'x\ufeffy', 'a', 'b', 'c', 'd', 'e\u180ef', 'g'].sort(),
    )
    const tokenizer = wordTokenizerOf(utf8('a b'), 10)
    const ids = (text: string) => [...tokenizer.encode(utf8(text))]
    expect(ids('a\rb\r\na\nb')).toEqual([2, 1, 3, 1, 2, 1, 3])
    expect(ids('a b')).toEqual([2, 3])
  })

  it.each(['words', 'prose'] as const)('are the same to the exported tokenizer: %s', async (kind) => {
    const spaces = [
      ...'\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u180e\u2000\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff',
    ]
    const unit = fc.oneof(
      fc.constantFrom(
        ...spaces,
        'a',
        'b',
        'é',
        'e\u0301',
        'न',
        'ि',
        '1',
        "'",
        '’',
        '.',
        '🙂',
        '\ufe0f',
        '<unk>',
        '<eos>',
        '·',
        '\u00ad',
      ),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    )
    const own = wordTokenizerOf(utf8(`a b é e\u0301 नि 1 a'b . 🙂 \ufeff \u200b ${spaces.join('x')}`), 100, kind)
    await files(own.files())
    const exported = await readTokenizer(folder)
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 30 }), (units) => {
        const text = utf8(units.join(''))
        expect([...exported.encode(text)]).toEqual([...own.encode(text)])
      }),
      { numRuns: 500 },
    )
  })
})

describe.each(['words', 'prose'] as const)('the tokenizer.json of %s', (kind) => {
  const text = `a b c ab 1 . ' ’ é e\u0301 हिन्दी में Don’t l'eau <unk>\n می\u200cخواهم 🙂 ❤\ufe0f \u200b`
  const own = wordTokenizerOf(utf8(text), 100, kind)

  it('is what Rust’s tokenizers were given, and they find the same tokens', async () => {
    // After a change: vitest -u, then tooling/golden/word_tokenizers.py.
    await expect(own.files()['tokenizer.json']).toMatchFileSnapshot(`golden/words/${kind}.json`)
    const { ids } = JSON.parse(await readFile(new URL(`golden/words/${kind}-ids.json`, import.meta.url), 'utf8'))
    expect(Object.keys(ids).length).toBeGreaterThan(300)
    for (const [each, expected] of Object.entries(ids)) expect([...own.encode(utf8(each))], each).toEqual(expected)
  })
})

describe('where tokens are in a text', () => {
  const text = `${'One sentence in English, again. \n'.repeat(3)}漢字かな 🙂 हिन्दी\r\n  e\u0301 the end  `
  const tokenizers: [string, Tokenizer][] = [
    ['bytes', byteTokenizer],
    ['words', wordTokenizerOf(utf8(text), 100)],
    ['prose', wordTokenizerOf(utf8(text), 100, 'prose')],
  ]
  it.each(tokenizers)('is told byte by byte: %s', (_kind, tokenizer) => {
    const { tokens, byteEnds } = tokenizer.locate(utf8(text))
    expect([...tokens]).toEqual([...tokenizer.encode(utf8(text))])
    const parts = [...byteEnds].map((end, i) => utf8(text).subarray(byteEnds[i - 1] ?? 0, end))
    for (const [i, part] of parts.entries())
      expect(string(tokenizer.kind === 'bytes' ? utf8(tokenizer.decode(tokens.subarray(i, i + 1))) : part).trim()).toBe(
        tokenizer.decode(tokens.subarray(i, i + 1)).trim(),
      )
  })

  it('is told by the tokenizer of a folder of transformers', async () => {
    const bloom = await readTokenizer(new URL('golden/bloom', import.meta.url).pathname)
    const { tokens, byteEnds } = bloom.locate(utf8(text))
    expect(byteEnds.at(-1)).toBe(utf8(text).length)
    for (let i = 1; i < tokens.length; i++) {
      const before = bloom.decode(tokens.subarray(0, i))
      if (!before.endsWith('\ufffd')) expect(byteEnds[i - 1]).toBe(utf8(before).length)
    }
  })
})

describe('bits per byte', () => {
  beforeAll(() => selectBackend('cpu'))

  it.each([
    ['words', 'nonoverlapping'],
    ['prose', 'sliding'],
    ['bytes', 'streaming'],
    ['prose', 'nonoverlapping'],
  ] as const)('are of the bytes that were scored: %s, %s', async (tokenizer, protocol) => {
    // Dense at its start, thin at its end.
    const held = `${'a bb ccc '.repeat(100)}\n${'漢字漢字漢字漢字漢字漢字 '.repeat(100)}`
    await files({ 'train.txt': 'a bb ccc 漢字漢字漢字漢字漢字漢字\n'.repeat(9), 'val.txt': held })
    const options = { data: folder, tokenizer, vocabularySize: 20, trainLength: 8 }
    const corpus = await readCorpus(options, { log })
    const size = { numLayers: 1, modelDim: 8, numHeads: 2 }
    const model = createModel({ ...size, vocabularySize: corpus.tokenizer.vocabularySize }, none(), 1)
    const cell = { strategy: 'none', trainLength: 8, seed: 1, size: '' }
    const progress = { line() {}, start() {}, update() {}, stop() {} }
    for (const maxTokens of [7, 100, 1e6]) {
      const request = { cell, reading: makeReading(16, protocol, 5), maxTokens }
      const work = { progress, signal: new AbortController().signal }
      const { whole } = await evaluateModel(model, corpus.valid, request, work)
      // The text up to the last token that was scored, less the first, by counting words in it.
      const unit = tokenizer === 'bytes' ? /[\s\S]/g : /\n|\S+/g
      const all = [...(tokenizer === 'bytes' ? Buffer.from(held).toString('latin1') : held).matchAll(unit)]
      const upTo = (token: number) => {
        const { index, 0: word } = all[token]!
        return tokenizer === 'bytes' ? index + 1 : Buffer.byteLength(held.slice(0, index + word.length))
      }
      expect(whole.bitsPerByte).toBeCloseTo(
        (whole.lossNats * whole.tokens) / Math.LN2 / (upTo(whole.tokens) - upTo(0)),
        9,
      )
    }
    model.dispose()
  })
})
