// Everything that can be known of a folder before an array of it is read: config.json and the headers of its weights.
import type { PositionStrategy } from '@alibi/core'
import { parameterShapes, type ResolvedModelConfig, resolveConfig } from '@alibi/transformer'
import { readableDtypes, type SafetensorsFile } from '@alibi/transformer/node'
import { readConfig } from './config-file.js'
import { huggingFaceArchitecture } from './families/families.js'
import { type ArrayMapping, type Family, readFamily } from './families/family.js'
import { refuseForeign } from './families/foreign.js'
import { openWeights } from './weights.js'

/** Where one of our arrays comes from: arrays of the file, stacked, in a layout. */
export interface Source extends ArrayMapping {
  readonly shape: readonly number[]
}

export interface OpenedFolder {
  readonly family: Family
  readonly config: ResolvedModelConfig
  readonly strategy: PositionStrategy
  readonly trainLength: number | undefined
  /** Where each array of the model comes from, by the array's name. */
  readonly sources: ReadonlyMap<string, Source>
  /** The embedding's and the head's arrays in the file, where config.json ties the two and both are there. */
  readonly bothEnds: { readonly embedding: string; readonly head: string } | undefined
  readonly file: SafetensorsFile
  /** What a reader of numbers should know, a line each. */
  readonly notes: readonly string[]
}

/**
 * Checks a folder against itself: what config.json says against what the family does, and every shape against the headers.
 * Allocates nothing of the model's size. The caller closes `file`.
 *
 * @throws Error, one line, that names the file and the field or array
 */
export async function openFolder(folder: string): Promise<OpenedFolder> {
  const { family, fields } = await readConfig(folder)
  const notes: string[] = []
  const { config: given, strategy, trainLength } = readFamily(family, fields, (line) => notes.push(line))
  const config = resolveConfig({ ...huggingFaceArchitecture(family.name), ...given })
  refuseForeign(fields, config.headDim, family.reads)
  const file = await openWeights(folder)
  try {
    if (config.numLayers > file.shapes.size)
      throw new Error(
        `loadHuggingFace: expected arrays of ${config.numLayers} layers, as config.json has them, got ${file.shapes.size} arrays in all in ${folder}`,
      )
    const find = finder(file, family)
    const shapes = parameterShapes(config, strategy)
    const mappings = family.arrays(config, fields)
    const sources = new Map(
      mappings.map((mapping) => {
        const source = { ...mapping, theirs: mapping.theirs.map((name) => find(name, mapping.ours)) }
        const shape = shapes.get(mapping.ours)!
        checkShape(file, source, shape)
        return [mapping.ours, { ...source, shape }]
      }),
    )
    const bothEnds = config.tiedHead ? tiedEnds(file, family, shapes.get('embedding.weight')!) : undefined
    const used = new Set([...sources.values()].flatMap(({ theirs }) => theirs))
    const unread = [...file.shapes.keys()].filter(
      (name) => !used.has(name) && name !== bothEnds?.head && !BUFFERS.test(name),
    )
    if (unread.length) notes.push(unreadNote(unread))
    return { family, config, strategy, trainLength, sources, bothEnds, file, notes }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** What old versions of transformers saved and every version computes: masks, and the frequencies of rotations. */
const BUFFERS = /(^|\.)(attn|attention)\.(bias|masked_bias)$|(^|\.)rotary_emb\.inv_freq$/

function unreadNote(names: readonly string[]): string {
  const some = names.slice(0, 3).join(', ')
  const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
  return `${names.length === 1 ? 'an array' : `${names.length} arrays`} of the file that no model of this family has, not read: ${some}${more}`
}

/** The name that an array has in the file: its own, without the prefix, or another of the head's. */
function finder(file: SafetensorsFile, family: Family) {
  const { prefix, embedding, heads } = family
  return (name: string, ours: string): string => {
    // A tied head may be saved in the embedding's place.
    const others = name === embedding ? [...heads] : name === heads[0] ? heads.slice(1) : []
    const found = [name, name.replace(prefix, ''), ...others].find((each) => file.shapes.has(each))
    if (found === undefined)
      throw new Error(
        `loadHuggingFace: expected an array ${name} (for ${ours}), as config.json has it, got none in the weights`,
      )
    return found
  }
}

/** @param shape - of the embedding, which a tied head has too */
function tiedEnds({ shapes }: SafetensorsFile, { embedding, prefix, heads }: Family, shape: readonly number[]) {
  const first = [embedding, embedding.replace(prefix, '')].find((each) => shapes.has(each))
  const head = heads.find((each) => shapes.has(each))
  if (first === undefined || head === undefined) return undefined
  if (`${shapes.get(head)}` !== `${shape}`)
    throw new Error(
      `loadHuggingFace: expected ${head} of shape [${shape}], got [${shapes.get(head)}]; config.json is of another model`,
    )
  return { embedding: first, head }
}

function checkShape(file: SafetensorsFile, mapping: ArrayMapping, shape: readonly number[]): void {
  const { theirs, layout, rows: part } = mapping
  if (!theirs.length) return
  const got = theirs.map((name) => file.shapes.get(name)!)
  const rows = got.reduce((sum, [each]) => sum + (each ?? Number.NaN), 0)
  const columns = got[0]![1]
  const straight = layout === 'same' || shape.length === 1 ? shape : [...shape].reverse()
  const want = part ? [part.of, ...straight.slice(1)] : straight
  const made = columns === undefined ? [rows] : [rows, columns]
  if (`${made}` !== `${want}` || got.some((each) => each[1] !== columns || each.length !== shape.length))
    throw new Error(
      `loadHuggingFace: expected ${theirs.join(' + ')} to make [${part ? want : shape}], got ${got.map((each) => `[${each}]`).join(' + ')}; config.json is of another model`,
    )
  const other = theirs.find((name) => !readableDtypes.includes(file.dtypes.get(name)!))
  if (other !== undefined)
    throw new Error(
      `loadHuggingFace: expected ${other} of ${readableDtypes.join(', ')}, got ${file.dtypes.get(other)}; quantised weights are not read, take those they were made from`,
    )
}
