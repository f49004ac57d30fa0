import { basename, dirname, extname, resolve } from 'node:path'
import { onlyKeysOf, validate } from '@alibi/results'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { presets } from '../config/presets.js'
import { resolveRunConfig } from '../config/resolve.js'
import { type RunOptions, runConfigSchema } from '../config/schema.js'
import { taskData, taskNameOf, taskReferenceOf } from '../config/task-reference.js'
import { without } from '../config/without.js'
import { sourceNamed } from '../data/sources.js'
import { taskFrom } from '../data/tasks/reference.js'
import { tokenizerSettings } from '../data/tokenizer/settings.js'
import { readFileAt } from '../files/paths.js'
import {
  addCells,
  asReference,
  count,
  type PlanCell,
  type PlannedRun,
  planCellSchema,
  settings,
  strategySchema,
} from './plan-cells.js'

const distinct = <T>(values: readonly T[]) =>
  new Set(values.map((value) => JSON.stringify(value))).size === values.length
const each = (what: string) => ({ error: `expected each ${what} once` })

const { preset, seeds, numLayers, modelDim, numHeads } = runConfigSchema.shape
const size = { numLayers, modelDim, numHeads }

const planShape = {
  $schema: z.string().optional().describe('Of this file, for editors.'),
  description: z.string().optional().describe('What the sweep is to find out.'),
  preset: preset.default('quick').describe('Has every setting that the plan leaves out.'),
  strategies: z
    .array(strategySchema)
    .min(1)
    .describe('Names, or files (from the plan’s folder) or packages of your own; with options as { use, as, … }.'),
  trainLengths: z
    .array(count)
    .min(1)
    .refine(distinct, each('train length'))
    .describe('Tokens in a training sequence. Each model is evaluated at the evaluation lengths from its own up.'),
  seeds: seeds.describe('Each trains every strategy.'),
  tasks: z
    .array(z.string().min(1))
    .min(1)
    .refine(distinct, each('task'))
    .optional()
    .describe(
      'Built-in tasks, or files (from the plan’s folder) or packages of your own: each is trained on by itself, and tried at all evaluation lengths. In place of data.',
    ),
  sizes: z
    .array(z.strictObject(size, onlyKeysOf(size)))
    .min(1)
    .refine(distinct, each('size'))
    .optional()
    .describe('Of the model. Default: the preset’s.'),
  tokensPerStep: count
    .optional()
    .describe('Rows of a training step × train length, the same for every train length. In place of batchSize.'),
  cells: z
    .array(planCellSchema)
    .min(1)
    .optional()
    .describe(
      'Further models, each with every seed and size: trained otherwise, or going on from another of the plan.',
    ),
  settings: z
    .strictObject(settings, onlyKeysOf(settings))
    .partial()
    .default({})
    .describe('In place of the preset’s. Paths are from the plan’s folder.'),
}

/** A sweep: every strategy × train length × size × seed is a cell, a model that is trained and evaluated by itself. */
export const planSchema = z.strictObject(planShape, onlyKeysOf(planShape))

export interface Plan extends Omit<z.infer<typeof planSchema>, 'settings' | 'strategies' | 'cells'> {
  /** The strategies, as the command line names them. */
  readonly strategies: readonly string[]
  readonly cells?: readonly PlanCell[] | undefined
  readonly settings: RunOptions
  /** Its file's name without the ending. */
  readonly name: string
}

/** Puts something in the place of the plan's settings, as options of the command line do. */
export interface PlanOverrides extends Pick<RunOptions, 'tokenizer' | 'tokenizerFile' | 'vocabularySize'> {
  /** The data. A path is relative to the current folder. */
  readonly data?: string | undefined
}

/**
 * Reads a plan, YAML or JSON.
 *
 * @throws Error, one line, for a file that is missing or no plan
 */
export async function readPlan(path: string): Promise<Plan> {
  const value = yamlOf((await readFileAt('sweep', path, 'a plan')).toString(), path)
  const plan = validate(planSchema, value, `sweep: ${path}`)
  const written = value as { readonly settings?: object; readonly cells?: readonly { readonly settings?: object }[] }
  const { tokenizer, ...settings } = plan.settings
  return {
    ...plan,
    settings: {
      ...onlyWritten(settings, written.settings),
      ...(await tokenizerSettings(tokenizer, dirname(path))),
    },
    cells: plan.cells?.map((cell, i) => ({
      ...cell,
      settings: onlyWritten(cell.settings, written.cells![i]!.settings),
    })),
    strategies: plan.strategies.map(asReference),
    name: basename(path, extname(path)),
  }
}

/** Settings that are written in a plan: what a run's settings default to is for the preset to say. */
const onlyWritten = (settings: object, written: object = {}): RunOptions =>
  Object.fromEntries(Object.entries(settings).filter(([key]) => key in written))

/** What a text in YAML or JSON says; what its parser only warns of is refused too. */
function yamlOf(text: string, path: string): unknown {
  const document = parseDocument(text, { logLevel: 'silent', stringKeys: true })
  const problem = document.errors[0] ?? document.warnings[0]
  try {
    if (problem) throw problem
    return document.toJS()
  } catch (error) {
    // Also ReferenceError: what aliases stand for would fill the memory.
    const { message, code } = error as Error & { readonly code?: string }
    const reason = /call stack/.test(message) ? 'lists that are too deep' : message.split('\n')[0]!.replace(/:$/, '')
    throw new Error(
      `sweep: expected YAML or JSON in ${path}, got: ${code === 'MULTIPLE_DOCS' ? 'several documents' : reason}`,
    )
  }
}

/**
 * The runs that a plan is made of: one for each train length and size, with all its strategies and seeds, then one for each
 * further cell.
 *
 * @param folder - that relative paths of strategies and data start from: the plan's
 * @throws Error, one line, for values that no run can have
 */
export function planRuns(plan: Plan, folder: string, { data, ...tokenizer }: PlanOverrides = {}): PlannedRun[] {
  const { preset, strategies, trainLengths, seeds, tokensPerStep, settings } = plan
  if (tokensPerStep && settings.batchSize)
    throw new Error(`sweep: expected tokensPerStep or batchSize in ${plan.name}, got both; leave one out`)
  const sizes: readonly object[] = plan.sizes ?? [{}]
  const places = sizes.flatMap((size) => datasOf(plan, folder, data).map((chosen) => ({ size, chosen })))
  const settingsAt = ({ size, chosen }: (typeof places)[number], trainLength: number): RunOptions => ({
    ...(tokenizer.tokenizer ? { ...without(settings, 'tokenizerFile'), ...tokenizer } : settings),
    ...{ preset, seeds, trainLength, ...size },
    ...(chosen !== undefined && { data: chosen }),
    ...(tokensPerStep && { batchSize: rows(tokensPerStep, trainLength) }),
  })
  const evalLengths = settings.evalLengths ?? presets[preset].evalLengths
  const where = `sweep: ${plan.name}`
  const runs: PlannedRun[] = places.flatMap((place) =>
    trainLengths.map((trainLength) =>
      resolveRunConfig(
        {
          ...settingsAt(place, trainLength),
          strategies: strategies.map((each) => moduleFrom(folder, each)),
          evalLengths: lengthsFrom(trainLength, evalLengths, place.chosen),
        },
        where,
      ),
    ),
  )
  for (const [i, place] of places.entries())
    addCells(runs, plan.cells ?? [], {
      where,
      sources: trainLengths.map((_, j) => i * trainLengths.length + j),
      trainLength: trainLengths[0]!,
      settingsAt: (trainLength) => settingsAt(place, trainLength),
      pathFrom: (reference) => moduleFrom(folder, reference),
      // Those of the plan's shortest models, so that all are read at the same lengths.
      evalLengths: lengthsFrom(Math.min(...trainLengths), evalLengths, place.chosen),
    })
  return runs
}

/** The data that models are trained on, each on one: the plan's tasks, or a text; undefined for the preset's. */
function datasOf({ tasks, settings, name }: Plan, folder: string, data: string | undefined): (string | undefined)[] {
  const other = data ?? settings.data
  if (tasks && other !== undefined)
    throw new Error(`sweep: expected tasks or data in ${name}, got both, with data ${other}; leave one out`)
  if (!tasks) return [data !== undefined ? dataFrom('.', data) : settings.data && dataFrom(folder, settings.data)]
  const names = tasks.map(taskNameOf)
  const twice = names.find((each, i) => names.indexOf(each) !== i)
  if (twice !== undefined)
    throw new Error(`sweep: expected tasks of different names in ${name}, got ${twice} twice; rename a file`)
  return tasks.map((each) => taskData(taskFrom(folder, each)))
}

function dataFrom(folder: string, data: string): string {
  const task = taskReferenceOf(data)
  if (task !== undefined) return taskData(taskFrom(folder, task))
  return sourceNamed(data) ? data : resolve(folder, data)
}

const moduleFrom = (folder: string, reference: string) =>
  /^\.{1,2}[/\\]/.test(reference) ? resolve(folder, reference) : reference

const rows = (tokensPerStep: number, trainLength: number): number => {
  if (tokensPerStep % trainLength === 0) return tokensPerStep / trainLength
  throw new Error(
    `sweep: expected tokensPerStep in whole rows of every train length, got ${tokensPerStep} for ${trainLength}`,
  )
}

/** Tasks are tried within the train length too. */
function lengthsFrom(trainLength: number, evalLengths: readonly number[], data: string | undefined): number[] {
  if (data !== undefined && taskReferenceOf(data) !== undefined) return [...evalLengths]
  const lengths = evalLengths.filter((length) => length >= trainLength)
  if (lengths.length) return lengths
  throw new Error(
    `sweep: expected evaluation lengths from the train length ${trainLength} up, got ${evalLengths.join(', ')}`,
  )
}
