import { buffer } from 'node:stream/consumers'
import { type EndOptions, ZipFile } from 'yazl'

interface Options extends Partial<EndOptions> {
  readonly compress?: boolean
}

/** A zip archive of these files. */
function zipOf(files: Readonly<Record<string, Uint8Array>>, options: Options = {}): Promise<Buffer> {
  const zip = new ZipFile()
  const { compress = false, forceZip64Format = false } = options
  for (const [name, bytes] of Object.entries(files))
    zip.addBuffer(Buffer.from(bytes), name, { compress, forceZip64Format })
  zip.end({ forceZip64Format, comment: '' })
  return buffer(zip.outputStream as NodeJS.ReadableStream as AsyncIterable<Buffer> & NodeJS.ReadableStream)
}

/** A file of torch.save with this pickle, and these storages by their keys. */
export const torchZip = (pickle: Uint8Array, storages: Readonly<Record<string, Uint8Array>> = {}, options?: Options) =>
  zipOf(
    {
      'a/data.pkl': pickle,
      ...Object.fromEntries(Object.entries(storages).map(([key, bytes]) => [`a/data/${key}`, bytes])),
    },
    options,
  )
