import { join } from 'node:path'
import { readFileIfThere } from '@alibi/transformer/node'
import { familyOf } from './families/families.js'
import type { Family } from './families/family.js'
import { type Fields, fieldsOf } from './families/fields.js'

/**
 * The config.json of a folder.
 *
 * @throws Error, one line, for a folder without one, or one of a family that is not known
 */
export async function readConfig(folder: string): Promise<{ family: Family; fields: Fields }> {
  const json = await readJsonObject(folder, 'config.json')
  if (!json) throw new Error(`loadHuggingFace: expected a folder with a config.json, got ${folder} without one`)
  const family = familyOf(`loadHuggingFace: config.json of ${folder}`, json.model_type, json)
  return { family, fields: fieldsOf(json, `loadHuggingFace ${family.name}`) }
}

/**
 * A JSON file of the folder; undefined if it is not there.
 *
 * @throws Error, one line, for a file that is no object in JSON
 */
export async function readJsonObject(folder: string, name: string): Promise<Record<string, unknown> | undefined> {
  const bytes = await readFileIfThere(join(folder, name))
  if (!bytes) return undefined
  const refuse = (got: string): never => {
    throw new Error(`loadHuggingFace: expected an object in JSON in ${join(folder, name)}, got ${got}`)
  }
  let json: unknown
  try {
    json = JSON.parse(bytes.toString('utf8'))
  } catch {
    return refuse(bytes.length ? 'other text' : 'an empty file')
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return refuse(JSON.stringify(json).slice(0, 80))
  return json as Record<string, unknown>
}
