// Texts that are larger than memory, and documents.
import { mkdtempSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { trainingBatch } from '@alibi/transformer'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CorpusOptions, readCorpus } from '../src/data/corpus.js'
import { documentsOf } from '../src/data/documents.js'
import { joinFiles } from '../src/data/joined-files.js'
import { openText } from '../src/data/open-text.js'
import { textPieces } from '../src/data/text-pieces.js'
import { cachedTokens, tokenFolder } from '../src/data/token-cache.js'
import { readTokenizer } from '../src/data/tokenizer/hugging-face.js'

const folder = mkdtempSync(join(tmpdir(), 'alibi-streams-'))
const at = (...names: string[]) => join(folder, ...names)
const golden = (name: string) => fileURLToPath(new URL(`golden/${name}`, import.meta.url))
let lines: string[] = []
const read = { log: (line: string) => void lines.push(line) }
const stream = { ...read, inMemory: 0 }
const bytes = { tokenizer: 'bytes', vocabularySize: 256, trainLength: 8 } as const
const collect = async <T>(all: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = []
  for await (const each of all) list.push(each)
  return list
}
const textsOf = async (file: string) =>
  (await collect(documentsOf(file, read.log))).map((text) => Buffer.from(text).toString())
const string = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString()

beforeAll(() => vi.stubEnv('XDG_CACHE_HOME', at('cache')))
afterEach(() => {
  lines = []
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

describe('a large text', () => {
  const sentence = 'Étude 12: the river is wide,\nthe road — “long”.\n\n漢字 and code(x);\r\n'

  beforeAll(async () => {
    await mkdir(at('joined/in'), { recursive: true })
    await writeFile(at('joined', 'a.txt'), `\ufeff${sentence.repeat(300)}`)
    await writeFile(at('joined', 'b.txt'), '')
    await writeFile(at('joined/in', 'c.txt'), sentence.repeat(7))
    await mkdir(at('parts'))
    for (const [part, times] of Object.entries({ train: 200, valid: 20, test: 9 }))
      await writeFile(at('parts', `${part}.txt`), sentence.repeat(times))
  })

  it.each<[string, Partial<CorpusOptions>]>([
    ['joined', {}],
    ['joined/a.txt', {}],
    ['parts', {}],
    ['joined', { tokenizer: 'prose', vocabularySize: 20, firstToken: 'eos' }],
    ['parts', { tokenizer: 'words', vocabularySize: 999 }],
    ['joined', { tokenizer: 'tokens' }],
  ])('is the same tokens as in memory: %s %o', async (data, given) => {
    const own = given.tokenizer === 'tokens' ? await readTokenizer(golden('bloom')) : undefined
    const options = { ...bytes, data: at(data), evalTokens: 1e6, ...given }
    const [whole, streamed] = [await readCorpus(options, read, own), await readCorpus(options, stream, own)]
    expect(whole.train).toBeInstanceOf(Int32Array)
    expect(streamed.train).not.toBeInstanceOf(Int32Array)
    expect(streamed.train.subarray(0, 1e9)).toEqual(whole.train)
    expect(streamed.valid).toEqual(whole.valid)
    expect(streamed.description).toBe(whole.description)
    expect(streamed.tokenizer.toJSON()).toEqual(whole.tokenizer.toJSON())
    const step = { batchSize: 3, trainLength: 8, seed: 1, step: 5 }
    expect(trainingBatch(streamed.train, step)).toEqual(trainingBatch(whole.train, step))
  })

  it('has no more of it held out in memory than is scored', async () => {
    const options = { ...bytes, data: at('joined'), evalTokens: 40, evalLengths: [50] }
    const { valid } = await readCorpus({ ...options, tokenizer: 'bytes' }, stream)
    // A piece is the least that is read.
    expect(valid.tokens.length).toBeLessThan(2 ** 21)
    expect(valid.tokens.length).toBeGreaterThanOrEqual(51)
  })

  it('is read in pieces of few megabytes, however long its lines are', async () => {
    const file = await open(at('long.txt'), 'w')
    const part = Buffer.alloc(2 ** 20, 'abcdefg hij\n')
    for (let i = 0; i < 48; i++) await file.write(part)
    // Without a place to cut.
    for (let i = 0; i < 16; i++) await file.write(Buffer.alloc(2 ** 20, 'é'))
    await file.close()
    let [most, sum] = [0, 0]
    const { length, read } = await joinFiles([at('long.txt')])
    for await (const piece of textPieces(read(0, length))) {
      most = Math.max(most, piece.length)
      sum += piece.length
    }
    expect(sum).toBe(64 * 2 ** 20)
    expect(most).toBeLessThanOrEqual(4 * 2 ** 20 + 3)
    const corpus = await readCorpus({ ...bytes, data: at('long.txt') }, stream)
    expect(corpus.train.length).toBe(Math.floor(sum * 0.9) + 1)
    expect([...corpus.train.subarray(0, 5)]).toEqual([...Buffer.from('abcde')])
    expect(corpus.train.subarray(corpus.train.length - 2, Number.POSITIVE_INFINITY)).toEqual(
      Int32Array.from(Buffer.from('é')),
    )
    await rm(at('long.txt'))
  })

  it('that is binary or in another encoding is refused, other bytes are reported once', async () => {
    const text = (content: Buffer) => writeFile(at('bad.txt'), content)
    const corpus = () => readCorpus({ ...bytes, data: at('bad.txt') }, stream)
    await text(Buffer.concat([Buffer.alloc(3_000_000, 'text '), Buffer.from([0, 1])]))
    await expect(corpus()).rejects.toThrow('bad.txt, which is binary (byte 3000000 is zero)')
    await text(Buffer.from(`\ufeff${sentence}`, 'utf16le'))
    await expect(corpus()).rejects.toThrow('which is UTF-16')
    await text(Buffer.alloc(0))
    await expect(corpus()).rejects.toThrow('which is empty')
    await text(Buffer.from('Les élèves étaient là. '.repeat(99_999), 'latin1'))
    lines = []
    await corpus()
    expect(lines.filter((line) => line.includes('is not all UTF-8'))).toHaveLength(1)
  })
})

describe('tokens in a file', () => {
  const tokensOf = (count: number) => Int32Array.from({ length: count }, (_, i) => (i * 7919) % count)
  const parts = async function* (tokens: Int32Array) {
    yield tokens.subarray(0, 3)
    yield tokens.subarray(3)
  }

  it.each([256, 257, 65_536, 65_537, 300_000])('are those that were written, of a vocabulary of %s', async (size) => {
    const tokens = tokensOf(size)
    const kept = await cachedTokens(`key${size}`, size, () => parts(tokens), read)
    expect(kept.length).toBe(size)
    for (const [start, end] of [
      [0, size],
      [5, 9],
      [size - 3, size + 9],
      [size, size + 1],
    ] as const)
      expect(kept.subarray(start, end)).toEqual(tokens.subarray(start, end))
  })

  it.runIf(process.platform === 'linux')('say what they would need where the disk is full', async () => {
    const partial = at('full', `key.tokens.${process.pid}.partial`)
    await mkdir(at('full'))
    await symlink('/dev/full', partial)
    await expect(cachedTokens('key', 9, () => parts(tokensOf(9)), read, at('full'))).rejects.toThrow(
      `data: cannot write ${partial} (the disk is full); free some space, or set XDG_CACHE_HOME to another folder`,
    )
    expect(await readdir(at('full'))).toEqual([])
  })

  it('are made once, and again where they are not whole or the text is another', async () => {
    const [text, cache] = [at('once.txt'), tokenFolder()]
    const made = async (content: string) => {
      await writeFile(text, content)
      lines = []
      const { hash, train } = await readCorpus({ ...bytes, data: text }, stream)
      const [line] = lines.filter((each) => each.startsWith('tokens are kept in '))
      return {
        hash,
        train: String.fromCharCode(...train.subarray(0, 9)),
        path: line?.replace('tokens are kept in ', ''),
      }
    }
    const first = await made('one text, '.repeat(20))
    expect(first).toMatchObject({ train: 'one text,', path: expect.stringContaining(cache) })
    await utimes(text, 1, 1)
    expect(await made('one text, '.repeat(20))).toEqual({ ...first, path: undefined })
    expect((await made('two text, '.repeat(20))).hash).not.toBe(first.hash)
    await truncate(first.path!, 50)
    expect(await made('one text, '.repeat(20))).toEqual(first)
    await rm(`${first.path}.json`)
    // What a process left that is gone.
    const leftover = `${first.path}.${2 ** 22 + 1}.partial`
    await writeFile(leftover, 'half')
    expect(await made('one text, '.repeat(20))).toEqual(first)
    expect((await readdir(cache)).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  it('leave nothing where they are interrupted', async () => {
    await writeFile(at('stopped.txt'), 'a line of text\n'.repeat(300_000))
    const before = await readdir(tokenFolder())
    const stopping = new AbortController()
    const log = (line: string) => void lines.push(line)
    const corpus = readCorpus({ ...bytes, data: at('stopped.txt') }, { log, signal: stopping.signal, inMemory: 0 })
    const watching = setInterval(async () => {
      if ((await readdir(tokenFolder())).some((name) => name.endsWith('.partial'))) stopping.abort(new Error('stopped'))
    }, 1)
    await expect(corpus)
      .rejects.toThrow('stopped')
      .finally(() => clearInterval(watching))
    expect(await readdir(tokenFolder())).toEqual(before)
  })
})

describe('documents', () => {
  const texts = Array.from(
    { length: 25 },
    (_, i) => `Document ${i}: ${'Étude 漢字 '.repeat(i % 4)}line\nnext line ${i * i}`,
  )
  const records = texts.map((text, id) => JSON.stringify({ id, text, meta: { url: `x${id}` } })).join('\n')

  beforeAll(async () => {
    await writeFile(at('records.jsonl'), `${records}\n\n`)
    await writeFile(at('records.jsonl.gz'), gzipSync(records))
    await mkdir(at('files'))
    for (const [i, text] of texts.entries()) await writeFile(at('files', `${100 + i}.txt`), text)
  })

  it.each([
    ...['none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4', 'plain-v2'].map((name) => golden(`parquet/${name}.parquet`)),
    at('records.jsonl'),
    at('records.jsonl.gz'),
  ])('are the texts of %s', async (file) => {
    expect(await textsOf(file)).toEqual(texts)
  })

  it('of JSON Lines may have a byte order mark, other ends of lines and null, and say where they are no UTF-8', async () => {
    await writeFile(at('marked.jsonl'), '\ufeff{"text":"a"}\r\n{"text":null}\r\n\r\n{"text":"b"}')
    expect(await textsOf(at('marked.jsonl'))).toEqual(['a', 'b'])
    expect(lines).toEqual([])
    await writeFile(at('latin.jsonl'), Buffer.from('{"text":"caf\xe9"}\n', 'latin1'))
    expect(await textsOf(at('latin.jsonl'))).toEqual(['caf\ufffd'])
    expect(lines).toEqual([
      `data: ${at('latin.jsonl')} is not all UTF-8 (perhaps Latin-1): its texts read \ufffd there`,
    ])
  })

  it.each([
    ['bad.jsonl', '{"text": "a"}\n{"text": 3}\n', 'expected a string as text of each record, got number in'],
    ['bad.jsonl', '{"text": "a"}\n{"body": "b"}\n', 'bad.jsonl, line 2'],
    ['bad.jsonl', '{"text": "a"}\nnot JSON\n', 'expected JSON in each line of'],
    ['bad.jsonl', '{"text": ["a"]}\n', 'got a list in'],
    ['bad.jsonl', '{"text": "a"}\n{"text": "a\\u0000b"}\n', 'got a zero byte in'],
    ['bad.jsonl', Buffer.from('{"text": "a"}\n', 'utf16le'), 'which is UTF-16'],
    ['bad.jsonl.gz', 'no gzip', 'is it gzip, and whole?'],
    ['bad.parquet', 'no Parquet at all', 'is it Parquet, and whole?'],
    ['bad.jsonl', '{"text": "a"}\n', 'take 10 documents or more'],
  ])('are refused where they have no text: %s %j', async (name, content, message) => {
    await writeFile(at(name), content)
    const error = await readCorpus({ ...bytes, data: at(name) }, read).catch((error: Error) => error)
    expect((error as Error).message).toContain(message)
    expect((error as Error).message).not.toContain('\n')
  })

  it('are a column of Parquet itself, not one within another', async () => {
    const error = await collect(documentsOf(golden('parquet/nested.parquet'), read.log)).catch((error: Error) => error)
    expect((error as Error).message).toContain('nested.parquet, got meta; rename the one that has the texts')
  })

  it('of Parquet without a text are left out', async () => {
    expect(await textsOf(golden('parquet/nulls.parquet'))).toEqual(['a', 'b'])
  })

  it('are joined by newlines or by the end of text that a vocabulary has, and every tenth is held out', async () => {
    const kept = texts.filter((_, i) => i % 10 !== 9)
    const { train, valid, description } = await readCorpus({ ...bytes, data: at('records.jsonl') }, read)
    expect(Buffer.from(train.subarray(0, 1e6)).toString()).toBe(kept.join('\n'))
    expect(Buffer.from(valid.tokens).toString()).toBe([texts[9], texts[19]].join('\n'))
    expect(description).toContain('every 10th document held out')

    const json = JSON.parse(await readFile(golden('bloom/tokenizer.json'), 'utf8'))
    json.added_tokens.push({ ...json.added_tokens[0], id: 280, content: '</s>' })
    await mkdir(at('marked'), { recursive: true })
    await writeFile(at('marked', 'tokenizer.json'), JSON.stringify(json))
    const own = await readTokenizer(at('marked'))
    const tokens = { ...bytes, tokenizer: 'tokens', data: golden('parquet/snappy.parquet') } as const
    const corpus = await readCorpus(tokens, read, own)
    const expected = kept.flatMap((text) => [0, ...own.encode(Buffer.from(text)), 280])
    expect([...corpus.train.subarray(0, 1e6)]).toEqual(expected)
    // Marks stand for no bytes.
    expect(corpus.valid.byteEnds.at(-1)).toBe(Buffer.byteLength(texts[9]! + texts[19]!))
  })

  it('may be files of a folder, each with its mark before it', async () => {
    const { train, documentMark } = await readCorpus({ ...bytes, data: at('files'), pack: true }, read)
    expect(documentMark).toBe(0)
    const kept = texts.filter((_, i) => i % 10 !== 9)
    expect(Buffer.from(train.subarray(0, 1e6)).toString()).toBe(kept.map((text) => `\0${text}`).join(''))
    await expect(readCorpus({ ...bytes, data: 'typescript', pack: true }, read)).rejects.toThrow('leave --pack out')
  })

  it('as a whole are all of them', async () => {
    const text = await openText(at('files'), { ...read, trainLength: 8, pack: true, whole: true })
    expect((await collect(text.valid())).map((piece) => string([piece.text]))).toEqual(texts)
  })
})
