// Files of documents: JSON Lines and Parquet as data sets have them, with a text in each record.
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { reasonOf } from '../files/errno.js'

/** The field, or column, that has a record's text. */
const TEXT = 'text'
const JSON_LINES = /\.jsonl(\.gz)?$/i
const PARQUET = /\.parquet$/i

export const isDocuments = (file: string): boolean => JSON_LINES.test(file) || PARQUET.test(file)

/**
 * The texts of a file's records, those without any left out.
 *
 * @throws Error, one line with the file and the line or row, for a record without a text
 */
export async function* documentsOf(file: string): AsyncGenerator<Uint8Array> {
  const texts = PARQUET.test(file) ? parquetTexts(file) : jsonTexts(file)
  for await (const text of texts) if (text) yield Buffer.from(text)
}

async function* jsonTexts(file: string): AsyncGenerator<string> {
  let number = 0
  for await (const line of linesOf(file)) {
    number++
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
  if (typeof text === 'string') return text
  throw new Error(
    `data: expected a string as ${TEXT} of each record, got ${text === undefined ? 'none' : typeof text} in ${where}`,
  )
}

const NEWLINE = 10

/** Split at newlines alone: U+2028 is a character like others in JSON. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let parts: Buffer[] = []
  for await (let chunk of bytesOf(file)) {
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE)) {
      yield Buffer.concat([...parts, chunk.subarray(0, end)]).toString()
      parts = []
      chunk = chunk.subarray(end + 1)
    }
    parts.push(chunk)
  }
  yield Buffer.concat(parts).toString()
}

async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  const bytes = createReadStream(file)
  const isPacked = /\.gz$/i.test(file)
  try {
    yield* isPacked ? bytes.on('error', () => {}).pipe(createGunzip()) : bytes
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(`data: cannot read ${file} (${code?.startsWith('Z_') ? message : reasonOf(error as Error)})`)
  } finally {
    bytes.destroy()
  }
}

/** Row group by row group: as many rows are in memory as the writer put into one. */
async function* parquetTexts(file: string): AsyncGenerator<string> {
  // Only who reads Parquet loads it.
  const [{ asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ])
  const refuse = (error: Error): never => {
    throw new Error(`data: cannot read ${file}: ${error.message.split('\n')[0]}`)
  }
  const source = await asyncBufferFromFile(file)
  const metadata = await parquetMetadataAsync(source).catch(refuse)
  if (!metadata.schema.some(({ name }) => name === TEXT))
    throw new Error(
      `data: expected a column ${TEXT} in ${file}, got ${metadata.schema
        .slice(1)
        .map(({ name }) => name)
        .join(', ')}`,
    )
  let row = 0
  for (const { num_rows } of metadata.row_groups) {
    const rows = { rowStart: row, rowEnd: row + Number(num_rows) }
    const options = { file: source, metadata, compressors, columns: [TEXT], ...rows }
    const records = await parquetReadObjects(options).catch(refuse)
    for (const record of records) yield textOf(record, `${file}, row ${row++}`)
  }
}
