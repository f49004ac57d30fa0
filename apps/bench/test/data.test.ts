import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { trainingBatch } from '@alibi/transformer'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkLengths, readCorpus } from '../src/data/corpus.js'
import { download } from '../src/data/download.js'
import { readSource, sourceNames } from '../src/data/sources.js'
import { restoreTokenizer } from '../src/data/tokenizer/restore.js'
import { byteTokenizer, wordTokenizerOf } from '../src/data/tokenizer/tokenizer.js'
import { encodeWords, finish, pieces, wordPatterns, wordsOf } from '../src/data/tokenizer/words.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-data-'))
})
afterEach(() => rm(folder, { recursive: true }))

const read = { log: () => {} }
const readText = (data: string) => readSource(data, { ...read, trainLength: 64 })
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (data: Uint8Array) => new TextDecoder().decode(data)

describe('tokenizers', () => {
  it('encode every text as bytes and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const wellFormed = text(bytes(value))
        expect(byteTokenizer.decode(byteTokenizer.encode(bytes(wellFormed)))).toBe(wellFormed)
      }),
    )
  })

  it('keep the most frequent words, and call the rest unknown', () => {
    const tokenizer = wordTokenizerOf(bytes('a b a c\nb a\n'), 4)
    expect(tokenizer.toJSON()).toEqual({ kind: 'words', words: ['<unk>', '<eos>', 'a', 'b'] })
    const tokens = tokenizer.encode(bytes('b  c a\n'))
    expect([...tokens]).toEqual([3, 0, 2, 1])
    expect(tokenizer.decode(tokens)).toBe('b <unk> a \n')
    expect([...restoreTokenizer(JSON.parse(JSON.stringify(tokenizer))).encode(bytes('a'))]).toEqual([2])
    expect(() => restoreTokenizer({ kind: 'letters' })).toThrow('expected a tokenizer')
  })

  it('read WikiText as the paper does: what is between spaces, and the end of every line', () => {
    // The first lines of an article, as in the archive.
    const article = bytes(" \n = <unk> boulderi = \n \n It is 3 @.@ 5 m long , the dog 's <unk> . \n")
    const tokenizer = wordTokenizerOf(article, 267_744)
    const words = tokenizer.decode(tokenizer.encode(article)).replaceAll('\n', '<eos> ').trim().split(' ')
    expect(words.join(' ')).toBe("<eos> = <unk> boulderi = <eos> <eos> It is 3 @.@ 5 m long , the dog 's <unk> . <eos>")
    expect(tokenizer.vocabularySize).toBe(new Set(words).size)
  })

  it('take marks apart in prose', () => {
    const prose = bytes('“Don’t—stop!” said 3 dogs;\n<unk> — well-known.')
    const tokenizer = wordTokenizerOf(prose, 100, 'prose')
    expect(tokenizer.decode(tokenizer.encode(prose))).toBe('“ Don’t — stop ! ” said 3 dogs ; \n<unk> — well - known . ')
    const restored = restoreTokenizer(JSON.parse(JSON.stringify(tokenizer)))
    expect(restored.encode(prose)).toEqual(tokenizer.encode(prose))
  })

  it('read long texts piece by piece, to the same words', () => {
    const words = (piece: number) =>
      [...pieces(bytes('ä b\n\nc d e\r\n f \n g'), piece)].flatMap((each) => wordsOf(each.text, wordPatterns.words))
    expect(words(100)).toEqual(['ä', 'b', '<eos>', '<eos>', 'c', 'd', 'e', '<eos>', 'f', '<eos>', 'g'])
    for (let piece = 0; piece < 20; piece++) expect(words(piece)).toEqual(words(100))
    const many = Array.from({ length: 3000 }, (_, i) => `${i}`)
    expect([...finish(encodeWords(bytes(many.join(' ')), wordPatterns.words, Number))]).toEqual(many.map(Number))
  })
})

it('refuses a text with fewer words than an adaptive softmax has bands for', async () => {
  await writeFile(join(folder, 'a.txt'), 'one two three\n'.repeat(20))
  const options = { data: join(folder, 'a.txt'), tokenizer: 'prose', vocabularySize: 100, trainLength: 4 } as const
  await expect(readCorpus({ ...options, adaptiveCutoffs: [2, 5] }, read)).rejects.toThrow(
    'expected more than 5 different words, got 5 in',
  )
  expect((await readCorpus({ ...options, adaptiveCutoffs: [2, 4] }, read)).tokenizer.vocabularySize).toBe(5)
})

describe('a source', () => {
  it('holds out the last tenth of a file, without overlap', async () => {
    await writeFile(join(folder, 'a.txt'), '0123456789'.repeat(10))
    const { train, valid } = await readText(join(folder, 'a.txt'))
    expect([train.length, valid.length]).toEqual([90, 10])
    expect(text(train) + text(valid)).toBe('0123456789'.repeat(10))
  })

  it('joins the files of a folder in the order of their names', async () => {
    await writeFile(join(folder, 'b.txt'), 'second')
    await writeFile(join(folder, 'a.txt'), 'first')
    const { train, valid } = await readText(folder)
    expect(text(train) + text(valid)).toBe('first\nsecond')
  })

  it('splits a folder as its train and valid parts say', async () => {
    await mkdir(join(folder, 'train'))
    await writeFile(join(folder, 'train/a.txt'), 'to train on')
    await writeFile(join(folder, 'valid.txt'), 'held out')
    const { train, valid } = await readText(folder)
    expect([text(train), text(valid)]).toEqual(['to train on', 'held out'])
  })

  it('has a real program by default', async () => {
    const { train, valid } = await readText('typescript')
    expect(train.length + valid.length).toBeGreaterThan(8e6)
    expect(text(train.subarray(0, 20_000))).toContain('Microsoft')
  })

  it('of no name is a path, whatever JavaScript calls its own', async () => {
    for (const name of ['constructor', '__proto__', 'toString'])
      await expect(readText(name)).rejects.toThrow(
        `expected ${sourceNames.join(', ')}, or a file or folder, got ${name}`,
      )
  })

  it.each([
    ['missing', async () => {}, 'which is not there'],
    ['empty', (path: string) => writeFile(path, ''), 'which is empty'],
    ['binary', (path: string) => writeFile(path, Buffer.of(1, 0, 2)), 'which is binary'],
    ['an empty folder', (path: string) => mkdir(path), 'which is empty'],
  ])('says what is wrong with text that is %s', async (_what, make, message) => {
    const path = join(folder, 'text')
    await make(path)
    await expect(readText(path)).rejects.toThrow(message)
  })
})

it('refuses lengths that the text cannot fill', async () => {
  await writeFile(join(folder, 'a.txt'), 'x'.repeat(100))
  const options = { data: join(folder, 'a.txt'), tokenizer: 'bytes', vocabularySize: 1, trainLength: 8 } as const
  const corpus = await readCorpus(options, read)
  checkLengths(corpus, 89, [9])
  expect(() => checkLengths(corpus, 90, [])).toThrow('at least 91 bytes for train length 90, got 90')
  expect(() => checkLengths(corpus, 8, [8, 10])).toThrow('evaluation length 10, got 10')
})

it('draws batches from the seed and the step alone', () => {
  const tokens = Int32Array.from({ length: 50 }, (_, i) => i)
  fc.assert(
    fc.property(fc.nat(), fc.nat(1e6), fc.integer({ min: 1, max: 49 }), (seed, step, trainLength) => {
      const rows = trainingBatch(tokens, { batchSize: 4, trainLength, seed, step })
      expect(rows).toEqual(trainingBatch(tokens, { batchSize: 4, trainLength, seed, step }))
      for (const row of rows) expect([...row]).toEqual(Array.from({ length: trainLength + 1 }, (_, i) => row[0]! + i))
    }),
  )
  const starts = new Set(
    Array.from({ length: 50 }, (_, step) => trainingBatch(tokens, { batchSize: 4, trainLength: 9, seed: 1, step }))
      .flat()
      .map((row) => row[0]),
  )
  expect(starts.size).toBe(41)
})

describe('download', () => {
  const content = Buffer.from('some text, '.repeat(1000))
  let server: Server
  let url: string
  let ranges: (string | undefined)[]
  const cache = process.env.XDG_CACHE_HOME
  beforeEach(async () => {
    ranges = []
    server = createServer((request, response) => {
      ranges.push(request.headers.range)
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      response.writeHead(from ? 206 : 200, { 'content-length': content.length - from })
      response.end(content.subarray(from))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/text`
    process.env.XDG_CACHE_HOME = folder
  })
  afterEach(() => {
    server.close()
    if (cache === undefined) delete process.env.XDG_CACHE_HOME
    else process.env.XDG_CACHE_HOME = cache
  })
  const at = (name: string) => join(folder, 'alibi/data', name)

  it('fetches once, and goes on where it stopped', async () => {
    await mkdir(at('.'), { recursive: true })
    await writeFile(at('text.partial'), content.subarray(0, 700))
    const path = await download(url, 'text', read)
    expect(await readText(path).then(({ train, valid }) => train.length + valid.length)).toBe(content.length)
    await download(url, 'text', read)
    expect(ranges).toEqual(['bytes=700-'])
  })

  it('notices that a file has changed', async () => {
    const path = await download(url, 'text', read)
    await writeFile(path, 'something else')
    await expect(download(url, 'text', read)).rejects.toThrow('got other bytes')
  })

  it('says where to put the file when there is no network', async () => {
    await new Promise((resolve) => server.close(resolve))
    await expect(download(url, 'text', read)).rejects.toThrow(`put the file at ${at('text')}`)
  })
})
