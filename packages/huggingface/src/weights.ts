import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSafetensors, type SafetensorsFile } from '@alibi/transformer/node'

const ONE_FILE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/**
 * The arrays of a folder, in one file or many, as one.
 *
 * @throws Error, one line, for a folder without them
 */
export async function openWeights(folder: string): Promise<SafetensorsFile> {
  const names = await readdir(folder)
  if (names.includes(ONE_FILE)) return openSafetensors(join(folder, ONE_FILE))
  if (!names.includes(INDEX)) {
    const other = names.find((name) => /\.(bin|pt|pth|h5|gguf|msgpack)$/.test(name))
    throw new Error(
      `loadHuggingFace: expected ${ONE_FILE} or ${INDEX} in ${folder}, got ${other ?? 'neither'}; save it with save_pretrained of transformers`,
    )
  }
  const index: { weight_map?: Record<string, string> } = JSON.parse(await readFile(join(folder, INDEX), 'utf8'))
  const parts = [...new Set(Object.values(index.weight_map ?? {}))]
  const missing = parts.find((part) => !names.includes(part))
  if (missing) throw new Error(`loadHuggingFace: expected ${missing}, of which ${INDEX} speaks, got none in ${folder}`)
  const files: SafetensorsFile[] = []
  for (const part of parts) files.push(await openSafetensors(join(folder, part)))
  const fileOf = new Map(files.flatMap((file) => [...file.shapes.keys()].map((name) => [name, file] as const)))
  return {
    shapes: new Map(files.flatMap(({ shapes }) => [...shapes])),
    read: (name) => fileOf.get(name)!.read(name),
    close: async () => {
      for (const file of files) await file.close()
    },
  }
}
