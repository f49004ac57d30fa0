import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openSafetensors, type SafetensorsFile } from '@alibi/transformer/node'
import { readJsonObject } from './config-file.js'

const ONE_FILE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/**
 * The arrays of a folder, in one file or many, as one.
 *
 * @throws Error, one line, for a folder without them, or with an array in two files
 */
export async function openWeights(folder: string): Promise<SafetensorsFile> {
  const names = await readdir(folder)
  if (names.includes(ONE_FILE)) return openSafetensors(join(folder, ONE_FILE))
  const index = await readJsonObject(folder, INDEX)
  if (!index) {
    const other = names.find((name) => /\.(bin|pt|pth|h5|gguf|msgpack)$/.test(name))
    throw new Error(
      `loadHuggingFace: expected ${ONE_FILE} or ${INDEX} in ${folder}, got ${other ?? 'neither'}; save it with save_pretrained of transformers`,
    )
  }
  const files = new Map<string, SafetensorsFile>()
  const close = async () => {
    for (const file of files.values()) await file.close()
  }
  try {
    for (const part of partsOf(index, folder, names)) files.set(part, await openSafetensors(join(folder, part)))
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
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The files that an index names. */
function partsOf({ weight_map: map }: Record<string, unknown>, folder: string, names: readonly string[]): string[] {
  const parts = new Set(typeof map === 'object' && map !== null ? Object.values(map) : [])
  if (!parts.size || [...parts].some((part) => typeof part !== 'string'))
    throw new Error(
      `loadHuggingFace: expected weight_map of ${INDEX} in ${folder} to name a file for each array, got ${JSON.stringify(map)?.slice(0, 80) ?? 'none'}`,
    )
  const missing = [...parts].find((part) => !names.includes(part as string))
  if (missing) throw new Error(`loadHuggingFace: expected ${missing}, of which ${INDEX} speaks, got none in ${folder}`)
  return [...parts] as string[]
}
