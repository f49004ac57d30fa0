// Runs whose model is not new: it goes on from another one.
import { type Backend, type BackendName, selectBackend } from '@alibi/backend'
import type { PositionStrategy } from '@alibi/core'
import { builtInStrategies, type StrategyRegistry } from '@alibi/strategies'
import { hasCheckpoint } from '@alibi/transformer/node'
import { makePositions } from '../checkpoints/origin.js'
import { openStart, type Start, type StartOptions } from '../checkpoints/start.js'
import { type Cell, cellsOf } from '../config/cells.js'
import { settingsOfModels } from '../config/from.js'
import { modelConfig } from '../config/model.js'
import { longestOf, resolveRunConfig } from '../config/resolve.js'
import type { RunConfig, RunOptions } from '../config/schema.js'
import { restoreTokenizer } from '../data/tokenizer/restore.js'
import type { StoredTokenizer } from '../data/tokenizer/tokenizer.js'
import { pathKind } from '../files/paths.js'
import { expectPositions } from '../plugins/admit.js'
import { asOptions } from '../terminal/shell.js'
import { checkpointFolder } from './layout.js'
import { savedInfo } from './saved.js'

/** What a run needs of the model that it goes on from. */
interface Continued {
  /** Has the run's one strategy. */
  readonly registry: StrategyRegistry
  readonly tokenizer: StoredTokenizer
  /** Absent where the run has a checkpoint of its own. */
  readonly start?: Start
}

/** The config of a run that goes on from a model. */
type Begun = RunConfig & { readonly from: NonNullable<RunConfig['from']> }

interface Asked {
  readonly given: RunOptions
  readonly defaults: RunOptions
  readonly backend: BackendName | 'auto'
  readonly log: (line: string) => void
}

/**
 * A new run that goes on from a model.
 *
 * @param name - of its positions in results. Default: their own
 * @throws Error, one line, for settings that the model has decided, or a model that it cannot go on from
 */
export async function planContinuation(
  from: StartOptions,
  { given, defaults, backend: wanted, log }: Asked,
  name?: string,
): Promise<Continued & { readonly config: RunConfig; readonly backend: Backend }> {
  const decided = settingsOfModels.find((each) => given[each] !== undefined)
  if (decided)
    throw new Error(`train: expected no ${asOptions({ [decided]: '' })[0]} with --from, got it; the model has its own`)
  // Before a model is read, so that a wrong number is reported at once.
  resolveRunConfig({ ...defaults, ...given, ...(given.steps === 0 && { steps: 1 }) }, 'train')
  const backend = await selectBackend(wanted)
  const length = given.trainLength ?? longestOf(given.lengthSchedule).trainLength
  const { start, positions, from: about, settings } = await openStart(from, length, log)
  if (given.optimizer !== undefined && given.optimizer !== settings.optimizer && given.learningRate === undefined)
    throw new Error(
      `train: expected --learning-rate with --optimizer ${given.optimizer}, got none; the rate of ${from.path} is one of ${settings.optimizer}`,
    )
  const strategy = name ?? positions.strategy.name
  const asked = { ...defaults, ...settings, ...given, strategies: [strategy], from: about }
  const config = resolveRunConfig(asked, 'train')
  expectPositions(positions.strategy, config)
  if (given.learningRate === undefined)
    log(`learning rate ${config.learningRate} of ${config.optimizer}, as nothing else was asked for (--learning-rate)`)
  return { config, backend, registry: registryOf(strategy, positions.strategy), start, tokenizer: start.tokenizer }
}

/**
 * The same of a run that was begun.
 *
 * @param now - where the model and its strategy are now; absent: where they were
 * @throws Error, one line, where the run has no checkpoint yet, and the model that it goes on from is gone or another
 */
export async function resumedContinuation(
  folder: string,
  config: Begun,
  { path = config.from.path, strategy: at, vocabulary = config.from.vocabulary }: Partial<StartOptions>,
  log: (line: string) => void,
): Promise<Continued> {
  const [cell] = cellsOf(config) as [Cell]
  const { from } = config
  const registry = await continuedRegistry(config, at, log)
  if (hasCheckpoint(checkpointFolder(folder, cell))) {
    const { metadata } = await savedInfo(folder, config, cell)
    return { registry, tokenizer: restoreTokenizer(metadata.tokenizer) }
  }
  const { positions, sha256, optimizerSteps, trainedWith } = from
  const keepOptimizer = optimizerSteps !== undefined
  // What a file of fairseq does not say was said when the run was begun.
  const strategy = at ?? ((await pathKind('train', path)) === 'file' ? trainedWith : undefined)
  const opened = await openStart({ path, positions, strategy, vocabulary, keepOptimizer }, config.trainLength, log)
  if (opened.from.sha256 !== sha256)
    throw new Error(
      `run: expected the weights that ${folder} was begun from in ${path}, got others; put them back, or take another --out`,
    )
  return { registry, tokenizer: opened.start.tokenizer, start: opened.start }
}

/** The run's one strategy: with the positions that the model goes on with. */
export async function continuedRegistry(
  config: Begun,
  at: string | undefined,
  log: (line: string) => void,
): Promise<StrategyRegistry> {
  const [cell] = cellsOf(config) as [Cell]
  const model = { ...modelConfig(config, 1), name: cell.strategy }
  const { strategy } = await makePositions(config.from.origin, model, log, at)
  return registryOf(cell.strategy, strategy)
}

const registryOf = (name: string, strategy: PositionStrategy): StrategyRegistry =>
  builtInStrategies.with(name, () => strategy)
