import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openSafetensors, type SafetensorsFile } from '@alibi/transformer/node'
import { readJsonObject } from './config-file.js'
import { openTorchWeights } from './torch-weights.js'

/** Names of one file, or of the index of several, with what opens each; safetensors are taken where there are both. */
const KINDS = [
  { file: 'model.safetensors', open: openSafetensors },
  { file: 'pytorch_model.bin', open: openTorchWeights },
] as const
type Kind = (typeof KINDS)[number]
const indexOf = ({ file }: Kind) => `${file}.index.json`

/**
 * The arrays of a folder, in one file or many, as one.
 *
 * @throws Error, one line, for a folder without them, or with an array in two files
 */
export async function openWeights(folder: string): Promise<SafetensorsFile> {
  const names = await readdir(folder)
  const kind = KINDS.find((each) => names.includes(each.file) || names.includes(indexOf(each)))
  if (!kind) {
    const other = names.find((name) => /\.(bin|pt|pth|h5|gguf|msgpack)$/.test(name))
    throw new Error(
      `loadHuggingFace: expected ${KINDS.map(({ file }) => file).join(' or ')}, or an index of one, in ${folder}, got ${other ?? 'neither'}; save it with save_pretrained of transformers`,
    )
  }
  if (names.includes(kind.file)) return kind.open(join(folder, kind.file))
  return openParts(folder, names, kind)
}

async function openParts(folder: string, names: readonly string[], kind: Kind): Promise<SafetensorsFile> {
  const index = (await readJsonObject(folder, indexOf(kind))) ?? {}
  const files = new Map<string, SafetensorsFile>()
  const close = async () => {
    for (const file of files.values()) await file.close()
  }
  try {
    for (const part of partsOf(index, indexOf(kind), folder, names))
      files.set(part, await kind.open(join(folder, part)))
    const fileOf = new Map<string, SafetensorsFile>()
    for (const [part, file] of files)
      for (const name of file.shapes.keys()) {
        if (fileOf.has(name))
          throw new Error(`loadHuggingFace: expected ${name} in one file of ${folder}, got it again in ${part}`)
        fileOf.set(name, file)
      }
    const all = [...files.values()]
    return {
      shapes: new Map(all.flatMap(({ shapes }) => [...shapes])),
      dtypes: new Map(all.flatMap(({ dtypes }) => [...dtypes])),
      read: (name) => fileOf.get(name)!.read(name),
      pieces: (name, multiple) => fileOf.get(name)!.pieces(name, multiple),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The files that an index names. */
function partsOf(
  { weight_map: map }: Record<string, unknown>,
  index: string,
  folder: string,
  names: readonly string[],
): string[] {
  const parts = new Set(typeof map === 'object' && map !== null ? Object.values(map) : [])
  if (!parts.size || [...parts].some((part) => typeof part !== 'string'))
    throw new Error(
      `loadHuggingFace: expected weight_map of ${index} in ${folder} to name a file for each array, got ${JSON.stringify(map)?.slice(0, 80) ?? 'none'}`,
    )
  const missing = [...parts].find((part) => !names.includes(part as string))
  if (missing) throw new Error(`loadHuggingFace: expected ${missing}, of which ${index} speaks, got none in ${folder}`)
  return [...parts] as string[]
}
