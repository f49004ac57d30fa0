import { basename } from 'node:path'
import { type Archive, openArchive } from './archive.js'
import { dtypes, type TensorData } from './dtypes.js'
import { unpickle } from './pickle/unpickle.js'
import { describe, type PickleValue, quoted, type Tensor } from './pickle/values.js'
import { isContiguous, knownGlobals, sizeOf, spanOf, storageOf } from './tensors.js'

/** An open checkpoint of torch: what it holds, its tensors without their numbers. */
export interface TorchFile {
  /** As it was given to torch.save. */
  readonly value: PickleValue
  /** Names of the classes and functions that Python would have run, but for tensors and dictionaries; nothing ran. */
  readonly unread: readonly string[]
  /**
   * The numbers of a tensor, row-major: float16 and bfloat16 as float32, bool as bytes.
   *
   * @throws Error, one line, for a tensor whose numbers are damaged or missing
   */
  read(tensor: Tensor): Promise<TensorData>
  /** Closes it: what was not read cannot be then. */
  close(): Promise<void>
}

/** Most bytes of data.pkl, which has about 150 bytes a tensor. */
const LARGEST_PICKLE = 2 ** 24
/** Numbers that a tensor may have beyond those of its storage: an expanded one repeats them. */
const MOST_REPEATED = 2 ** 24

/**
 * Opens what torch.save wrote (since torch 1.6), without torch and without running anything that is in it. Memory is what
 * is read, tensor by tensor.
 *
 * @throws Error, one line, for a file that is missing, damaged, hostile or of another kind
 */
export async function openTorch(path: string): Promise<TorchFile> {
  const prefixed = <T>(promise: Promise<T>) =>
    promise.catch((error: NodeJS.ErrnoException) => {
      const reason = error.code ? `a file, got ${error.message}` : error.message
      throw new Error(`openTorch: expected ${reason} (${basename(path)})`, { cause: error })
    })
  const archive = await prefixed(openArchive(path))
  try {
    const { value, unread, prefix } = await prefixed(readPickle(archive))
    return {
      value,
      unread,
      read: (tensor) => prefixed(readTensor(archive, `${prefix}data/${tensor.storage.key}`, tensor)),
      close: archive.close,
    }
  } catch (error) {
    await archive.close()
    throw error
  }
}

async function readPickle(archive: Archive) {
  const [name, another] = archive.names.filter((each) => /^[^/]+\/data\.pkl$/.test(each))
  if (name === undefined || another !== undefined)
    throw new Error(`one data.pkl in the archive, got ${another ? 'several' : 'none'}; is it a file of torch.save?`)
  const prefix = name.slice(0, -'data.pkl'.length)
  if (archive.has(`${prefix}constants.pkl`))
    throw new Error('weights, got a program of TorchScript; save its state_dict() with torch.save')
  const order = archive.has(`${prefix}byteorder`) ? Buffer.from(await readAll(archive, `${prefix}byteorder`)) : 'little'
  if (`${order}` !== 'little') throw new Error(`little-endian numbers, got ${quoted(`${order}`)}`)
  const unread = new Set<string>()
  const value = unpickle(await readAll(archive, name), {
    globals: knownGlobals,
    persistent: storageOf,
    onUnread: (global) => unread.add(global),
  })
  return { value, unread: [...unread], prefix }
}

async function readAll(archive: Archive, name: string): Promise<Uint8Array> {
  const size = archive.size(name)
  if (size > LARGEST_PICKLE) throw new Error(`${quoted(name)} of at most ${LARGEST_PICKLE} bytes, got ${size}`)
  const bytes = new Uint8Array(size)
  let at = 0
  for await (const piece of archive.pieces(name, 0, size)) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

async function readTensor(archive: Archive, name: string, tensor: Tensor): Promise<TensorData> {
  const { allocate, decode, width } = dtypes[tensor.storage.dtype]
  const { from, to } = spanOf(tensor)
  const size = sizeOf(tensor)
  if (size > to - from && size > MOST_REPEATED)
    throw new Error(`a tensor of at most ${MOST_REPEATED} repeated numbers, got ${describe(tensor)}`)
  if (to * width > archive.size(name))
    throw new Error(`${to * width} bytes in ${quoted(name)}, got ${archive.size(name)}`)
  const span = allocate(to - from)
  let at = 0
  for await (const piece of archive.pieces(name, from * width, to * width)) {
    const numbers = decode(piece)
    span.set(numbers as never, at)
    at += numbers.length
  }
  return isContiguous(tensor) ? span : gather(span, allocate(size), tensor)
}

/** The numbers of a view, row-major. */
function gather(span: TensorData, out: TensorData, { shape, strides }: Tensor): TensorData {
  const place = shape.map(() => 0)
  let from = 0
  for (let i = 0; i < out.length; i++) {
    out[i] = span[from]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!
      if (++place[axis]! < shape[axis]!) break
      from -= strides[axis]! * shape[axis]!
      place[axis] = 0
    }
  }
  return out
}
