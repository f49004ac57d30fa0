import type { RunLine } from '@alibi/results'
import { Document, visit } from 'yaml'
import { type From, settingsOfModels } from '../config/from.js'
import { lengthScheduleText } from '../config/length-schedule.js'
import { resolveRunConfig } from '../config/resolve.js'
import type { RunConfig } from '../config/schema.js'
import { without } from '../config/without.js'
import { referenceOf } from '../plugins/references.js'
import { planSchema } from '../sweep/plan.js'
import { cellSettings } from '../sweep/plan-cells.js'
import { asOptions, pasteable } from '../terminal/shell.js'

/** The command that runs this again: what differs from the preset, as options. */
export function repeatCommand(config: RunConfig): string {
  const differing = differences(config)
  const asked = { ...differing, ...(differing.strategies && { strategies: placesOf(config) }) }
  const { preset, plugins, variants, lengthSchedule, from, ...settings } = asked
  const lengths = lengthSchedule && { lengthSchedule: lengthScheduleText(lengthSchedule) }
  if (from) return trainCommand({ ...settings, ...lengths }, from, config)
  return pasteable('run', '--preset', config.preset, ...asOptions({ ...settings, ...lengths }))
}

/** The same for a run that goes on from a model. */
function trainCommand(
  settings: object,
  { path, positions, vocabulary, optimizerSteps }: From,
  { preset, seeds }: RunConfig,
): string {
  const training = without(settings as Record<string, unknown>, ...ofRuns, ...settingsOfModels)
  const keepOptimizer = optimizerSteps === undefined ? undefined : true
  const options = { from: path, positions, vocabulary, keepOptimizer, seed: seeds[0], ...training }
  return pasteable('train', '--preset', preset, ...asOptions(options))
}

/** Settings that `train` has not. */
const ofRuns = ['strategies', 'seeds', 'evalLengths', 'evalTokens', 'protocols', 'stride', 'windowedControl']

/** The plan that makes a sweep again, as YAML. */
export function repeatPlan(config: RunConfig, sweep: NonNullable<RunLine['sweep']>): string {
  const { preset, seeds } = config
  const { trainLengths, sizes, tokensPerStep, tasks, cells } = sweep
  const { strategies: _, ...differing } = differences(config)
  const settings = Object.fromEntries(
    Object.entries(differing).filter(
      ([key]) =>
        !(tasks && key === 'data') &&
        key in planSchema.shape.settings.unwrap().shape &&
        !(tokensPerStep && key === 'batchSize'),
    ),
  )
  const several = {
    ...{ preset, strategies: placesOf(config), trainLengths, seeds, sizes },
    ...(tasks && { tasks: tasks.map(({ name, from = name }) => from) }),
  }
  const further = cells && { cells: cells.map((cell) => planCell(cell as SweptCell, tokensPerStep !== undefined)) }
  const plan = new Document({ ...several, ...(tokensPerStep && { tokensPerStep }), ...further, settings })
  visit(plan, {
    Seq(_, list) {
      list.flow = true
    },
  })
  return plan.toString({ flowCollectionPadding: false, lineWidth: 100 })
}

/** A further cell as results have it. */
type SweptCell = Partial<RunConfig> & { readonly strategies: readonly string[]; readonly source?: object }

/** The same as a plan has it. */
function planCell({ source, strategies, trainLength, steps, ...cell }: SweptCell, hasTokensPerStep: boolean): object {
  const settings = Object.fromEntries(
    Object.entries(cell).filter(
      ([key, value]) => key in cellSettings && value !== null && !(hasTokensPerStep && key === 'batchSize'),
    ),
  )
  return {
    ...(source ?? { strategy: referenceOf(strategies[0]!, cell as RunConfig) }),
    ...{ trainLength, ...(steps !== undefined && { steps }), settings },
  }
}

/** What is not as the preset has it, a tokenizer's file as it is asked for. */
function differences({ tokenizerFile, ...config }: RunConfig): Partial<Omit<RunConfig, 'tokenizer'>> {
  const preset = resolveRunConfig({ preset: config.preset })
  const settings = tokenizerFile ? { ...without(config, 'vocabularySize'), tokenizer: tokenizerFile.path } : config
  return Object.fromEntries(
    Object.entries(settings).filter(([key, value]) => `${value}` !== `${preset[key as keyof RunConfig]}`),
  )
}

/** Strategies as they were asked for. */
const placesOf = (config: RunConfig) => config.strategies.map((name) => referenceOf(name, config))
