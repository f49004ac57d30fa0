import { basename, join } from 'node:path'
import { validate } from '@alibi/results'
import { Command } from 'commander'
import { z } from 'zod'
import { layerRanges } from '../checkpoints/described-positions.js'
import { checkpointsOfRun, type InspectedModel, inspectModel, type ModelFacts } from '../checkpoints/inspect.js'
import { runConfigSchema } from '../config/schema.js'
import { thousands } from '../terminal/format.js'
import { paragraph } from '../terminal/paragraphs.js'
import { checkpointHelp, number, pluginOption } from './options.js'

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('What a model is, without reading its weights: positions, sizes, memory, and what is refused of it.')
    .argument('<checkpoint>', `${checkpointHelp}; or the folder of a run`)
    .option('--length <tokens>', 'of the text whose cache is measured (default: the train length)', number)
    .option('--json', 'print one object of JSON')
    .addOption(pluginOption())
    .action(inspect)
}

interface Options {
  readonly length?: number
  readonly json?: boolean
  readonly strategy?: string
}

const schema = z.object({ length: runConfigSchema.shape.trainLength.optional() })

async function inspect(path: string, options: Options): Promise<void> {
  validate(schema, options, 'inspect')
  const names = await checkpointsOfRun(path)
  const paths = names.length ? names.map((name) => join(path, 'checkpoints', name)) : [path]
  const models: (InspectedModel & { readonly cache: Cache | undefined })[] = []
  for (const each of paths) {
    const inspected = await inspectModel(each, console.error, options.strategy).catch((error: Error) => {
      // One of several leaves the others alone.
      if (names.length) return refusedOf(each, error.message)
      throw error
    })
    models.push({ ...inspected, cache: cacheOf(inspected.model, options.length) })
  }
  if (options.json) console.log(JSON.stringify(names.length ? { path, checkpoints: models } : models[0]))
  else if (models.length > 1)
    console.log([...models.map(inBrief), '', `More of one: bench inspect ${paths[0]}`].join('\n'))
  else console.log(describe(models[0]!, models[0]!.cache).join('\n'))
  expectRead(models)
}

/**
 * All that could be said has been printed by then; a script sees by the exit code that a model is refused.
 *
 * @throws Error, one line, for refused models, with the first reason
 */
function expectRead(models: readonly InspectedModel[]): void {
  const reasons = models.flatMap(({ path, refused }) => refused.map((reason) => `${path}: ${reason}`))
  if (!reasons.length) return
  const more = reasons.length > 1 ? `; ${reasons.length - 1} more are printed above` : ''
  throw new Error(`inspect: expected a model that can be loaded, got ${reasons[0]}${more}`)
}

const refusedOf = (path: string, reason: string): InspectedModel => ({
  ...{ path, writer: 'bench', family: undefined, bytesOnDisk: 0, refused: [reason], notes: [], model: undefined },
})

/** Of one text. */
interface Cache {
  readonly tokens: number
  readonly bytes: number
}

function cacheOf(model: ModelFacts | undefined, length: number | undefined): Cache | undefined {
  const tokens = length ?? model?.trainLength
  return model && tokens !== undefined ? { tokens, bytes: tokens * model.cacheBytesPerToken } : undefined
}

const WIDTH = 14
const row = (name: string, text: string) => paragraph(name, text, WIDTH)

/** One checkpoint of several. */
function inBrief({ path, model, bytesOnDisk, refused }: InspectedModel): string {
  const facts = model
    ? `${model.strategy}, train length ${thousands(model.trainLength!)}, ${thousands(model.parameters)} parameters, ${size(bytesOnDisk)}`
    : `refused: ${refused.join('; ')}`
  return paragraph(`${basename(path)} `, facts, Math.max(WIDTH, basename(path).length + 1))
}

const WRITERS = { bench: 'checkpoint of the bench', transformers: 'Hugging Face transformers', fairseq: 'fairseq' }

function describe(
  { path, writer, family, bytesOnDisk, refused, notes, model }: InspectedModel,
  cache?: Cache,
): string[] {
  const isOther = family !== undefined && family !== writer
  return [
    row('path', path),
    row('family', isOther ? `${family}, ${WRITERS[writer]}` : WRITERS[writer]),
    ...(model ? describeFacts(model, bytesOnDisk, cache) : [row('on disk', size(bytesOnDisk))]),
    ...notes.map((note) => row('note', note)),
    ...refused.map((reason) => row('refused', reason)),
  ]
}

function describeFacts(model: ModelFacts, bytesOnDisk: number, cache: Cache | undefined): string[] {
  const { sizes, positions, trainLength, parameters, stored, bytesInMemory } = model
  const { numHeads, numKeyValueHeads, headDim } = sizes
  const shared = numKeyValueHeads === numHeads ? '' : `, ${numKeyValueHeads} of keys and values`
  const types = Object.keys(stored).join(', ')
  const mlp = `MLP ${thousands(sizes.mlpDim)}, ${sizes.activation}${sizes.gatedMlp ? ', gated' : ''}`
  return [
    row('layers', `${sizes.numLayers} of width ${thousands(sizes.modelDim)}; ${mlp}`),
    row('heads', `${numHeads} of ${headDim} features${shared}`),
    row(
      'vocabulary',
      `${thousands(sizes.vocabularySize)} tokens; ${sizes.tiedHead ? 'the head is the embedding' : 'a head of its own'}`,
    ),
    row(
      'train length',
      trainLength === undefined ? 'not said; give --train-length' : `${thousands(trainLength)} tokens`,
    ),
    ...describeLayers(positions, sizes.numLayers),
    row('parameters', thousands(parameters)),
    row('on disk', `${size(bytesOnDisk)}, ${types}`),
    row('in memory', `${size(bytesInMemory)} as float32`),
    ...(cache ? [row('cache', `${size(cache.bytes)} for a text of ${thousands(cache.tokens)} tokens`)] : []),
  ]
}

function describeLayers(positions: ModelFacts['positions'], numLayers: number): string[] {
  if (!positions) return [row('positions', 'not said; give --strategy alibi, sinusoidal or none')]
  return positions.map(({ layers, positions }, i) => {
    const where = layers.length === numLayers ? '' : `layer${layers.length > 1 ? 's' : ''} ${layerRanges(layers)}: `
    return row(i ? '' : 'positions', `${where}${positions}`)
  })
}

/** e.g. `1.24 GB`: three digits. */
function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const
  const power = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3))
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`
}
