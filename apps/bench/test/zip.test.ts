import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSource } from '../src/data/sources.js'
import { unzipFiles } from '../src/data/zip.js'

/** One file of an archive; what is given beside its name and bytes is written in the place of what is true. */
interface Packed {
  readonly name: string
  readonly bytes: Buffer
  readonly method?: number
  readonly stored?: Buffer
  readonly size?: number
  readonly packedSize?: number
  readonly checksum?: number
  readonly flags?: number
  readonly offset?: number
}

function zip(
  files: readonly Packed[],
  { count = files.length, directoryAt = undefined as number | undefined } = {},
): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { name, bytes, method = 8, stored, flags = 0, ...lies } of files) {
    const data = stored ?? (method === 8 ? deflateRawSync(bytes) : bytes)
    const { size = bytes.length, packedSize = data.length, checksum = crc32(bytes), offset = at } = lies
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(flags, 2)
    fields.writeUInt16LE(method, 4)
    fields.writeUInt32LE(checksum, 10)
    fields.writeUInt32LE(packedSize, 14)
    fields.writeUInt32LE(size, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, Buffer.from(name), data])
    const more = Buffer.alloc(14)
    more.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, more, Buffer.from(name)]))
    parts.push(local)
    at += local.length
  }
  const all = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(all.length, 12)
  end.writeUInt32LE(directoryAt ?? at, 16)
  return Buffer.concat([...parts, all, end])
}

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-zip-'))
  path = join(folder, 'text.zip')
})
afterEach(() => rm(folder, { recursive: true }))

const text = Buffer.from('some text, '.repeat(1000))
const good: Packed = { name: 'wiki/text.tokens', bytes: text }
const read = async (bytes: Buffer) => {
  await writeFile(path, bytes)
  return (await unzipFiles(path, ['text.tokens']))['text.tokens']
}

it.each([0, 8])('a wanted file is unpacked, method %s', async (method) => {
  expect(Buffer.from(await read(zip([{ ...good, method }])))).toEqual(text)
})

it('what is beside it is not unpacked', async () => {
  // Would not unpack: no one must try.
  const beside = { name: 'bomb', bytes: text, stored: Buffer.from('no deflate'), size: 2 ** 32 - 2 }
  expect(Buffer.from(await read(zip([beside, good])))).toEqual(text)
})

describe('an archive is refused in one line', () => {
  const cut = zip([good])
  it.each<[string, Buffer, string]>([
    ['that is empty', Buffer.alloc(0), ''],
    ['that is no zip', Buffer.from('<html>'.repeat(100)), ''],
    ['that was cut', cut.subarray(0, cut.length - 30), ''],
    ['without its start', cut.subarray(40), ''],
    ['without the file', zip([{ ...good, name: 'other' }]), 'it has no text.tokens'],
    ['with the file twice', zip([good, good]), 'it has text.tokens twice'],
    ['whose bytes were changed', zip([{ ...good, stored: deflateRawSync(text.subarray(1)) }]), ''],
    ['with a wrong checksum', zip([{ ...good, checksum: 1 }]), 'another checksum'],
    [
      'with a changed byte, stored',
      zip([{ ...good, method: 0, stored: Buffer.from(text.toString().replace('s', 'z')) }]),
      'another checksum',
    ],
    ['that declares less than there is', zip([{ ...good, size: 10 }]), ''],
    ['that declares more than there is', zip([{ ...good, size: text.length + 1 }]), ''],
    ['that declares far too much', zip([{ ...good, size: 2 ** 32 - 2 }]), 'declares 4294967294 bytes'],
    ['of a bomb', zip([{ ...good, bytes: Buffer.alloc(5e7), size: 100 }]), ''],
    ['that is encrypted', zip([{ ...good, flags: 1 }]), ''],
    ['packed in another way', zip([{ ...good, method: 99 }]), ''],
    ['whose file begins outside of it', zip([{ ...good, offset: 2 ** 31 }]), ''],
    ['whose file begins elsewhere', zip([{ ...good, offset: 7 }]), ''],
    ['whose file ends outside of it', zip([{ ...good, packedSize: 2 ** 31 }]), ''],
    ['whose directory is elsewhere', zip([good], { directoryAt: 5 }), ''],
    ['with more files than it has', zip([good], { count: 9 }), ''],
    ['with a path that leads out', zip([{ ...good, name: '../../wiki/text.tokens' }]), ''],
    ['with an absolute path', zip([{ ...good, name: '/etc/text.tokens' }]), ''],
    ['with deflate that is none', zip([{ ...good, stored: Buffer.alloc(100, 0xff) }]), ''],
  ])('%s', { timeout: 10_000 }, async (_, bytes, message) => {
    const error = await read(bytes).catch((refused: Error) => refused)
    expect(error).toBeInstanceOf(Error)
    expect((error as Error).message).toMatch(
      /^data: expected a zip archive with text.tokens in .*; delete it and run again$/,
    )
    expect((error as Error).message).toContain(message)
  })
})

it.each(['null', '', 'no JSON', '[]', '{"sha256": 5}', '{"url": "x", "sha256": "short"}'])(
  'the record of a download is refused in one line: %s',
  async (record) => {
    const cache = process.env.XDG_CACHE_HOME
    process.env.XDG_CACHE_HOME = folder
    try {
      await mkdir(join(folder, 'alibi/data'), { recursive: true })
      await writeFile(join(folder, 'alibi/data/wikitext-2.zip'), zip([good]))
      await writeFile(join(folder, 'alibi/data/wikitext-2.zip.json'), record)
      await expect(readSource('wikitext-2', { log() {}, trainLength: 8 })).rejects.toThrow(
        /^data: expected the record of a download in .*wikitext-2.zip.json, got something else; delete it and run again$/,
      )
    } finally {
      if (cache === undefined) delete process.env.XDG_CACHE_HOME
      else process.env.XDG_CACHE_HOME = cache
    }
  },
)
