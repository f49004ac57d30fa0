// Files of documents: JSON Lines and Parquet as data sets have them, with a text in each record.
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { reasonOf } from '../files/errno.js'
import { expectUtf8, markLength } from './encoding.js'

/** The field, or column, that has a record's text. */
const TEXT = 'text'
const JSON_LINES = /\.jsonl(\.gz)?$/i
const PARQUET = /\.parquet$/i

export const isDocuments = (file: string): boolean => JSON_LINES.test(file) || PARQUET.test(file)

/**
 * The texts of a file's records, those that are empty or null left out.
 *
 * @param say - receives a line about bytes of JSON Lines that are no UTF-8
 * @throws Error, one line with the file and the line or row, for a record whose text is missing, no string, or has a zero byte
 */
export async function* documentsOf(file: string, say: (line: string) => void): AsyncGenerator<Uint8Array> {
  const texts = PARQUET.test(file) ? parquetTexts(file) : jsonTexts(file, say)
  for await (const text of texts) if (text) yield Buffer.from(text)
}

async function* jsonTexts(file: string, say: (line: string) => void): AsyncGenerator<string> {
  let number = 0
  for await (const bytes of linesOf(file)) {
    number++
    if (!isUtf8(bytes)) say(`data: ${file} is not all UTF-8 (perhaps Latin-1): its texts read � there`)
    const line = bytes.toString()
    if (!line.trim()) continue
    yield textOf(parse(line, file, number), `${file}, line ${number}`)
  }
}

function parse(line: string, file: string, number: number): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new Error(
      `data: expected JSON in each line of ${file}, got line ${number}: ${(error as Error).message.split('\n')[0]}`,
    )
  }
}

function textOf(record: unknown, where: string): string {
  const text = (record as Readonly<Record<string, unknown>> | null)?.[TEXT]
  if (text === null) return ''
  if (typeof text !== 'string') {
    const kind = text === undefined ? 'none' : Array.isArray(text) ? 'a list' : typeof text
    throw new Error(`data: expected a string as ${TEXT} of each record, got ${kind} in ${where}`)
  }
  // Of bytes, a zero begins documents.
  if (text.includes('\0')) throw new Error(`data: expected text, got a zero byte in ${where}; take it out`)
  return text
}

const NEWLINE = 10

/** Split at newlines alone: U+2028 is a character like others in JSON. */
async function* linesOf(file: string): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let isStart = true
  for await (let chunk of bytesOf(file)) {
    if (isStart) {
      expectUtf8(chunk, file)
      chunk = chunk.subarray(markLength(chunk))
      isStart = false
    }
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE)) {
      yield Buffer.concat([...parts, chunk.subarray(0, end)])
      parts = []
      chunk = chunk.subarray(end + 1)
    }
    parts.push(chunk)
  }
  yield Buffer.concat(parts)
}

async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  const bytes = createReadStream(file)
  const isPacked = /\.gz$/i.test(file)
  try {
    yield* isPacked ? bytes.on('error', () => {}).pipe(createGunzip()) : bytes
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(
      code?.startsWith('Z_')
        ? `data: cannot read ${file} (${message}); is it gzip, and whole?`
        : `data: cannot read ${file} (${reasonOf(error as Error)})`,
    )
  } finally {
    bytes.destroy()
  }
}

/** Row group by row group: as many rows are in memory as the writer put into one. */
async function* parquetTexts(file: string): AsyncGenerator<string> {
  // Only who reads Parquet loads it.
  const [{ asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema }, { compressors }] =
    await Promise.all([import('hyparquet'), import('hyparquet-compressors')])
  const refuse = (error: Error): never => {
    throw new Error(`data: cannot read ${file}: ${error.message.split('\n')[0]}; is it Parquet, and whole?`)
  }
  const source = await asyncBufferFromFile(file)
  const metadata = await parquetMetadataAsync(source).catch(refuse)
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name)
  if (!columns.includes(TEXT))
    throw new Error(
      `data: expected a column ${TEXT} in ${file}, got ${columns.join(', ')}; rename the one that has the texts`,
    )
  let row = 0
  for (const { num_rows } of metadata.row_groups) {
    const rows = { rowStart: row, rowEnd: row + Number(num_rows) }
    const options = { file: source, metadata, compressors, columns: [TEXT], ...rows }
    const records = await parquetReadObjects(options).catch(refuse)
    for (const record of records) yield textOf(record, `${file}, row ${row++}`)
  }
}
