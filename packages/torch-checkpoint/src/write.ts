import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import { pickle, type Writable } from './pickle/pickle.js'

/** A float32 tensor to write; the same object twice is one storage that two tensors share. */
export interface NewTensor {
  /** Sizes of its axes. */
  readonly shape: readonly number[]
  /** Its numbers, row-major; called when they are written, so that few are in memory at a time. */
  readonly data: () => Promise<Float32Array> | Float32Array
}

/** What {@link saveTorch} writes: maps become OrderedDicts, objects dictionaries, arrays lists, whole numbers ints. */
export type TorchValue = Writable<NewTensor>

/** A tensor in a value for {@link saveTorch}. */
export const tensor = (shape: NewTensor['shape'], data: NewTensor['data']): { kind: 'tensor'; tensor: NewTensor } =>
  Object.freeze({ kind: 'tensor', tensor: { shape, data } })

/** Bytes given to the file at a time. */
const PIECE = 2 ** 22
/** The options of every zip entry, with a fixed date, so that the same weights give the same file. */
const ENTRY = { compress: false, mtime: new Date(Date.UTC(1980, 0, 1)), forceDosTimestamp: true }

/**
 * Writes a file that torch.load reads, in the format of torch 1.6 and later. It appears whole or not at all: it is written
 * beside, then renamed; an earlier one stays until then.
 */
export async function saveTorch(path: string, value: TorchValue): Promise<void> {
  const keys = new Map<NewTensor, string>()
  const keyOf = (each: NewTensor) => {
    const key = keys.get(each) ?? `${keys.size}`
    keys.set(each, key)
    return key
  }
  const data = pickle(value, (each) => ({ shape: each.shape, key: keyOf(each) }))
  const name = basename(path).replace(/\.[^.]*$/, '') || 'archive'
  await writeWhole(path, () => archive(name, data, keys))
}

function archive(name: string, data: Uint8Array, keys: ReadonlyMap<NewTensor, string>): Readable {
  const zip = new ZipFile()
  const output = zip.outputStream as Readable
  zip.on('error', (error: Error) => output.destroy(error))
  const add = (file: string, content: Uint8Array | string) =>
    zip.addBuffer(Buffer.from(content), `${name}/${file}`, ENTRY)
  add('data.pkl', data)
  add('byteorder', 'little')
  for (const [each, key] of keys) {
    const size = 4 * sizeOf(each)
    // The archive does not pass errors of its parts on.
    const open = () => Readable.from(pieces(each)).on('error', (error) => output.destroy(error))
    zip.addReadStreamLazy(`${name}/data/${key}`, { ...ENTRY, size }, (give) => give(null, open()))
  }
  add('version', '3\n')
  zip.end()
  return output
}

const sizeOf = ({ shape }: NewTensor) => shape.reduce((size, axis) => size * axis, 1)

async function* pieces(each: NewTensor): AsyncGenerator<Buffer> {
  const numbers = await each.data()
  if (numbers.length !== sizeOf(each))
    throw new RangeError(
      `saveTorch: expected ${sizeOf(each)} numbers for a tensor of [${each.shape}], got ${numbers.length}`,
    )
  for (let at = 0; at < numbers.byteLength; at += PIECE)
    yield Buffer.from(numbers.buffer, numbers.byteOffset + at, Math.min(PIECE, numbers.byteLength - at))
}

/** @param content - made once it is read: errors of a stream that nobody reads end the process */
async function writeWhole(path: string, content: () => Readable): Promise<void> {
  const partial = `${path}.partial`
  const file = await open(partial, 'w')
  try {
    for await (const chunk of content()) await file.writeFile(chunk)
    await file.sync()
  } catch (error) {
    await file.close()
    await rm(partial, { force: true })
    throw error
  }
  await file.close()
  await rename(partial, path)
  const folder = await open(dirname(path), 'r')
  await folder.sync().finally(() => folder.close())
}
