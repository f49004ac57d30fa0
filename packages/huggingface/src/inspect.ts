import { readConfig } from './config-file.js'
import { checkOnly } from './families/family.js'
import { foreignFields } from './families/foreign.js'
import { type HuggingFaceInfo, readHuggingFaceInfo } from './load.js'

/** What {@link inspectHuggingFace} found. */
export interface HuggingFaceInspection {
  /** What the folder says of its model; undefined where {@link refused} has something. */
  readonly info: HuggingFaceInfo | undefined
  /** What `loadHuggingFace` refuses, one line each, which names the file and the field. */
  readonly refused: readonly string[]
}

/**
 * What a folder says of its model, and everything that is refused of it, without reading its weights: `loadHuggingFace` stops at
 * the first.
 */
export async function inspectHuggingFace(folder: string): Promise<HuggingFaceInspection> {
  const refused = new Set<string>()
  const attempt = async <T>(check: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await check()
    } catch (error) {
      refused.add((error as Error).message)
      return undefined
    }
  }
  const read = await attempt(() => readConfig(folder))
  if (read) {
    const { family, fields } = read
    for (const name of Object.keys(family.only ?? {})) await attempt(() => checkOnly(family, fields, name))
    for (const [name, values] of Object.entries(foreignFields(family.reads ?? [])))
      await attempt(() => fields.only(name, ...values))
  }
  const info = read && (await attempt(() => readHuggingFaceInfo(folder)))
  return { info, refused: [...refused] }
}
