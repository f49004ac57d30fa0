// The cells of a plan beside its strategies × train lengths: trained otherwise, or going on from another cell.
import { onlyKeysOf } from '@alibi/results'
import { checkOptions, formatReference, parseReference, parseScaling, variantOf } from '@alibi/strategies'
import { z } from 'zod'
import { continuedTraining, type Origin } from '../config/from.js'
import { resolveRunConfig } from '../config/resolve.js'
import { type RunConfig, type RunOptions, runConfigSchema } from '../config/schema.js'
import { without } from '../config/without.js'

export const count = z.int().min(1)
const name = z.string().min(1)
const KINDS = 'expected one of bytes, words, prose, or a tokenizer.json'

/** Not what a plan has lists of, nor what the bench finds out by itself. */
const { shape } = runConfigSchema
const single = without(shape, 'preset', 'strategies', 'seeds', 'numLayers', 'modelDim', 'numHeads', 'trainLength')
export const settings = {
  ...without(single, 'plugins', 'variants', 'from', 'tokenizerFile'),
  // Tokens are those of a model from elsewhere.
  tokenizer: z.union([shape.tokenizer.exclude(['tokens']), z.string().regex(/\.json$/, { error: KINDS })], {
    error: KINDS,
  }),
  steps: count,
}

const withOptions = z
  .looseObject({
    use: name.describe('The name of a built-in strategy.'),
    as: name.optional().describe('Its name in results. Default: one made of its options.'),
  })
  .describe('A built-in strategy with options by their names.')

export const strategySchema = z.union([name, withOptions], {
  error: 'expected a name, or { use, … } of a built-in strategy with options',
})
type Strategy = z.infer<typeof strategySchema>

/** Those of a text are the plan's, as all its models read one. */
export const cellSettings = without(settings, 'steps', 'data', 'tokenizer', 'pack', 'vocabularySize', 'evalLengths')
const sourceShape = { strategy: name, trainLength: count }

const cellShape = {
  strategy: strategySchema.optional().describe('Of a model that starts from random weights.'),
  from: z
    .union([name, z.strictObject(sourceShape, onlyKeysOf(sourceShape))], {
      error: 'expected the name of a cell’s strategy, or { strategy, trainLength }',
    })
    .optional()
    .describe(
      'The cell that it goes on from, of the same seed and size: its strategy’s name, with its train length where several have it.',
    ),
  positions: strategySchema
    .optional()
    .describe('In place of those of the cell that it goes on from: a scaling of its rotary ones, or a strategy.'),
  as: name.optional().describe('Its strategy’s name in results.'),
  trainLength: count.optional().describe('Default: that of the cell that it goes on from, else the plan’s first.'),
  steps: z.int().min(0).optional().describe('Of training; 0 with from: it is only evaluated. Default: the plan’s.'),
  settings: z
    .strictObject(cellSettings, onlyKeysOf(cellSettings))
    .partial()
    .default({})
    .describe('In place of the plan’s.'),
}

export const planCellSchema = z.strictObject(cellShape, onlyKeysOf(cellShape))

export type PlanCell = Omit<z.infer<typeof planCellSchema>, 'settings'> & { readonly settings: RunOptions }

/** A run of a plan. */
export type PlannedRun = RunConfig & {
  /** The run that it goes on from, if it does. */
  readonly source?: Source
}

export interface Source {
  /** Its place among the plan's runs, before this one. */
  readonly run: number
  /** The place of its strategy among those of the run. */
  readonly strategy: number
  /** In place of its positions. */
  readonly positions?: string
  /** The name of the positions in results. Absent: their own. */
  readonly as?: string
  /** How its positions are made, once that is found out. */
  readonly origin?: Origin
}

/** What the cells of one size and text have in common. */
interface Place {
  /** What messages begin with. */
  readonly where: string
  /** The plan's runs there: their places in the list. */
  readonly sources: readonly number[]
  /** The train length of cells that do not say theirs. */
  readonly trainLength: number
  readonly evalLengths: readonly number[]
  /** The plan's settings for a train length. */
  settingsAt(trainLength: number): RunOptions
  /** A path is from the plan's folder. */
  pathFrom(reference: string): string
}

/**
 * Adds a run for each further cell.
 *
 * @param runs - of the plan so far, which it adds to
 * @throws Error, one line, for a cell that cannot be
 */
export function addCells(runs: PlannedRun[], cells: readonly PlanCell[], place: Place): void {
  const sources = [...place.sources]
  for (const cell of cells) {
    const run = cell.from === undefined ? newRun(cell, place) : continuedRun(cell, cell.from, runs, sources, place)
    sources.push(runs.length)
    runs.push(run)
  }
}

function newRun({ strategy, positions, as, steps, settings, ...cell }: PlanCell, place: Place): PlannedRun {
  const { where, pathFrom, settingsAt, evalLengths } = place
  if (strategy === undefined || positions !== undefined)
    throw new Error(
      `${where}: expected strategy, or from and positions, in each of cells, got ${positions === undefined ? 'neither' : 'positions without from'}`,
    )
  const { trainLength = place.trainLength } = cell
  const reference = pathFrom(asReference(strategy))
  return resolveRunConfig(
    {
      ...{ ...settingsAt(trainLength), ...settings, evalLengths: [...evalLengths] },
      ...(steps !== undefined && { steps }),
      strategies: [as === undefined ? reference : `${reference}:as=${as}`],
    },
    where,
  )
}

function continuedRun(
  { strategy, positions: given, as, steps, settings, ...cell }: PlanCell,
  from: NonNullable<PlanCell['from']>,
  runs: readonly PlannedRun[],
  sources: readonly number[],
  { where, pathFrom, settingsAt, evalLengths }: Place,
): PlannedRun {
  if (strategy !== undefined)
    throw new Error(`${where}: expected from or strategy in each of cells, got both; other positions are its positions`)
  const { run, strategy: i, name: sourceName } = findSource(from, runs, sources, { where, pathFrom })
  const { trainLength: own, learningRate } = runs[run]!
  const positions = given === undefined ? undefined : pathFrom(asPositions(given))
  const { trainLength = own } = cell
  const name = as ?? (positions === undefined ? sourceName : nameOf(positions))
  const config = resolveRunConfig(
    {
      ...continuedTraining(learningRate),
      ...{ ...settingsAt(trainLength), ...settings, evalLengths: [...evalLengths], strategies: [name] },
      // A run from random weights has at least one.
      ...(steps !== undefined && { steps: steps || 1 }),
    },
    where,
  )
  const source = { run, strategy: i, ...(positions !== undefined && { positions }), ...(as !== undefined && { as }) }
  return { ...config, ...(steps === 0 && { steps }), source }
}

/** The one cell that somebody meant. */
function findSource(
  from: NonNullable<PlanCell['from']>,
  runs: readonly PlannedRun[],
  sources: readonly number[],
  { where, pathFrom }: Pick<Place, 'where' | 'pathFrom'>,
): Pick<Source, 'run' | 'strategy'> & { readonly name: string } {
  const { strategy, trainLength } = typeof from === 'string' ? { strategy: from, trainLength: undefined } : from
  const all = sources.flatMap((run) =>
    runs[run]!.strategies.map((reference, i) => ({ run, strategy: i, name: nameOf(reference) })),
  )
  const named = all.filter((each) => [strategy, pathFrom(strategy)].includes(each.name))
  const found = named.filter(({ run }) => trainLength === undefined || runs[run]!.trainLength === trainLength)
  if (found.length === 1) return found[0]!
  const lengths = named.map(({ run }) => runs[run]!.trainLength)
  const got = `${strategy}${trainLength === undefined ? '' : ` at ${trainLength}`}`
  throw new Error(
    found.length
      ? `${where}: expected from with one cell, got ${got}, which is trained at ${lengths.join(' and ')}; take { strategy: ${strategy}, trainLength: ${lengths[0]} }`
      : `${where}: expected from with a cell before it, got ${got}; there are ${all.map(({ name, run }) => `${name} at ${runs[run]!.trainLength}`).join(', ')}`,
  )
}

/** The name in results of what a reference leads to, as far as it says it. */
const nameOf = (reference: string): string =>
  parseScaling(reference)?.name ?? variantOf(parseReference(reference))?.name ?? reference

/** As the command line names it. */
export function asReference(each: Strategy): string {
  if (typeof each === 'string') return each
  const { use, as, ...options } = each
  return formatReference({ use, options: checkOptions(use, options), as })
}

function asPositions(each: Strategy): string {
  if (typeof each === 'string') return each
  const { use, as, ...options } = each
  const text = formatReference({ use, options: options as Record<string, string>, as })
  return parseScaling(text) ? text : asReference(each)
}
