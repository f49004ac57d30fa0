import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Backend, type BackendName, selectBackend } from '@alibi/backend'
import { codeCommit, versionsOf } from '@alibi/machine'
import { SCHEMA_VERSION, validate } from '@alibi/results'
import { readResults, resultsPath, writeResults } from '@alibi/results/node'
import { builtInStrategies, type StrategyRegistry } from '@alibi/strategies'
import { hashOfWeights } from '../checkpoints/hash.js'
import type { Start, StartOptions } from '../checkpoints/start.js'
import { resolveRunConfig } from '../config/resolve.js'
import { type RunConfig, type RunOptions, runConfigSchema } from '../config/schema.js'
import { taskData, taskReferenceOf } from '../config/task-reference.js'
import type { Corpus } from '../data/corpus.js'
import { expectTrustedTask } from '../data/tasks/open.js'
import { absoluteTask } from '../data/tasks/reference.js'
import { settledTokenizer } from '../data/tokenizer/settings.js'
import type { StoredTokenizer } from '../data/tokenizer/tokenizer.js'
import { expectPlain, expectWritable, makeFolder } from '../files/paths.js'
import { admitStrategies, loadStrategies, restoreStrategy } from '../plugins/admit.js'
import { namesOf, sourcesOf } from '../plugins/references.js'
import { continuedRegistry, planContinuation, resumedContinuation } from './continuation.js'
import { lockFolder } from './lock.js'
import { expectSameText, savedTokenizer, setDamagedAside } from './saved.js'

export interface PlanOptions {
  readonly out?: string
  readonly resume?: boolean
  /** Trains models anew whose checkpoints cannot be resumed. */
  readonly retrain?: boolean
  readonly backend: BackendName | 'auto'
  /** Strategies as they were asked for: names, files, packages. */
  readonly given: RunOptions
  /** Replaces settings of the preset in a new run. */
  readonly defaults?: RunOptions
  /** The model that training goes on from. Default: it starts from random weights. */
  readonly from?: (StartOptions & { readonly name?: string | undefined }) | undefined
  readonly log: (line: string) => void
}

export interface RunPlan {
  readonly folder: string
  readonly config: RunConfig
  readonly registry: StrategyRegistry
  readonly backend: Backend
  /** Whether the folder has results to resume from. */
  readonly begun: boolean
  /** Reads the text, where a model has it already: that which the run goes on from, or one of its own. */
  readonly tokenizer?: StoredTokenizer | undefined
  /** What the run's first step needs of the model that it goes on from. */
  readonly start?: Start | undefined
}

const RUNS = 'runs'

/**
 * What will be run where: anew, or going on with what a folder has. Writes nothing yet; from here on the folder is locked.
 *
 * @throws Error, one line with what to do, for a folder in use, or other options than the run was begun with
 */
export async function planRun({
  out,
  resume = false,
  retrain = false,
  backend: wanted,
  given,
  defaults,
  from,
  log,
}: PlanOptions): Promise<RunPlan> {
  if (out !== undefined) await expectWritable('run', out)
  const folder = resolve(out ?? (resume ? await latestRun() : newRun(given.preset ?? 'quick')))
  await expectPlain('run', folder)
  await lockFolder(folder)
  const begun = existsSync(resultsPath(folder))
  if (retrain && !resume) throw new Error('run: expected --retrain with --resume, got it alone; add --resume')
  if (!begun && resume)
    throw new Error(`run: expected a run to resume in ${folder}, got none; leave --resume out to begin it`)
  const task = given.data === undefined ? undefined : taskReferenceOf(given.data)
  const asked = { ...given, ...(task !== undefined && { data: taskData(absoluteTask(task)) }) }
  if (!begun && from) {
    const { name } = from
    return {
      folder,
      begun,
      ...(await planContinuation(from, { given: asked, defaults: defaults ?? {}, backend: wanted, log }, name)),
    }
  }
  if (!begun) {
    const config = resolveRunConfig({ ...defaults, ...asked })
    // Before the backend, so that a wrong name is reported at once.
    const loaded = await loadStrategies(config.strategies)
    const backend = await selectBackend(wanted)
    const { registry, config: admitted } = await admitStrategies(loaded, config, log)
    return { folder, config: { ...config, ...admitted }, registry, backend, begun }
  }
  if (!resume)
    throw new Error(`run: expected a new folder, got ${folder} with results; add --resume, or take another --out`)
  return resumed(folder, { backend: wanted, given: asked, from, retrain, log }, task)
}

/**
 * Makes the folder, and its results' first line, unless it has them.
 *
 * @throws Error, one line, if the text is another than the folder's models were trained on
 */
export async function beginRun(
  { folder, config, backend, begun }: RunPlan,
  corpus: Pick<Corpus, 'hash' | 'description'>,
): Promise<void> {
  if (begun) return expectSameText(folder, config, corpus)
  await makeFolder('run', folder)
  // Until now it had no other name than the one that was locked.
  await lockFolder(folder)
  const { name, device } = backend
  const [seed] = config.seeds as [number]
  const about = { config, seed, backend: name, device, versions: versionsOf(backend), commit: await codeCommit() }
  await writeResults(folder, [{ type: 'run', schemaVersion: SCHEMA_VERSION, ...about }])
}

/**
 * A run that was begun, if it is what is asked for.
 *
 * @param task - that was named now: a name in results is a claim
 */
async function resumed(
  folder: string,
  { backend: wanted, given, from, retrain, log }: Omit<PlanOptions, 'out' | 'resume' | 'defaults'>,
  task: string | undefined,
): Promise<RunPlan> {
  const { run } = await readResults(folder)
  const config = validate(runConfigSchema, run.config, `run: ${resultsPath(folder)}`)
  const { tokenizerFile } = given
  if (tokenizerFile && tokenizerFile.sha256 !== config.tokenizerFile?.sha256)
    throw new Error(
      `run: expected the tokenizer that ${folder} was begun with, got another in ${tokenizerFile.path}; leave --tokenizer out, or take another --out`,
    )
  expectBegunWith(folder, config, {
    ...given,
    // It may have moved.
    ...(tokenizerFile && { tokenizerFile: config.tokenizerFile }),
    ...(given.strategies && { strategies: namesOf(given.strategies, config) }),
  })
  if (from) {
    const { positions, path } = from
    expectBegunWith(folder, config.from ?? {}, positions === undefined ? {} : { positions })
    if (config.from?.path !== resolve(path) && (await hashOfWeights(path)) !== config.from?.sha256)
      throw new Error(
        `run: expected the weights that ${folder} was begun from, those of ${config.from?.path ?? 'no model'}, got others in ${path}; leave --from out, or take another --out`,
      )
  }
  if (wanted !== 'auto' && wanted !== run.backend)
    throw new Error(`run: expected backend ${run.backend}, which ${folder} was begun with, got ${wanted}`)
  const saved = taskReferenceOf(config.data)
  if (saved !== undefined && task === undefined) await expectTrustedTask(saved)
  const backend = await selectBackend(run.backend as BackendName)
  if (retrain) await setDamagedAside(folder, config, log)
  const plan = { folder, config, backend, begun: true }
  if (config.from) {
    const begunFrom = { ...config, from: config.from }
    return { ...plan, ...(await resumedContinuation(folder, begunFrom, from ?? {}, log)) }
  }
  const registry = await registryOf(config, { given, log })
  const tokenizer = config.tokenizerFile && (await savedTokenizer(folder, config))
  return {
    ...plan,
    registry,
    ...((tokenizer ?? tokenizerFile) && { tokenizer: tokenizer ?? (await settledTokenizer(tokenizerFile!)) }),
  }
}

interface RegistryOptions {
  /** As it was asked for: where strategies of one's own are now. */
  readonly given: RunOptions
  /** Where the strategy is of the model that the run goes on from. */
  readonly strategy?: string | undefined
  readonly log: (line: string) => void
}

/**
 * What makes the strategies of a run that was begun.
 *
 * @throws Error, one line, for one that is not there any more, or computes something else
 */
export async function registryOf(
  config: RunConfig,
  { given, strategy, log }: RegistryOptions,
): Promise<StrategyRegistry> {
  const { from } = config
  if (from) return continuedRegistry({ ...config, from }, strategy, log)
  const named = sourcesOf(given.strategies ?? [])
  let registry = builtInStrategies
  for (const [name, plugin] of Object.entries(config.plugins ?? {}))
    registry = await restoreStrategy(registry, name, plugin, config, log, named.get(plugin.from))
  return registry
}

/** @throws Error, one line, for something that a folder was not begun with */
function expectBegunWith(folder: string, begun: object, asked: object): void {
  const begunWith = (key: string) => (begun as Readonly<Record<string, unknown>>)[key]
  const other = Object.entries(asked).find(([key, value]) => !isDeepStrictEqual(begunWith(key), value))
  if (other)
    throw new Error(
      `run: expected the options that ${folder} was begun with, got ${other[0]} ${other[1]} instead of ${begunWith(other[0])}; leave it out, or take another --out`,
    )
}

/** e.g. `runs/2026-03-01-142530-quick`, in local time */
function newRun(preset: string): string {
  const now = new Date()
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString()
  return join(RUNS, `${local.slice(0, 10)}-${local.slice(11, 19).replaceAll(':', '')}-${preset}`)
}

async function latestRun(): Promise<string> {
  const names = await readdir(RUNS).catch(() => [])
  const latest = names
    .filter((name) => existsSync(resultsPath(join(RUNS, name))))
    .sort()
    .at(-1)
  if (!latest) throw new Error(`run: expected a run to resume in ${resolve(RUNS)}, got none; name it with --out`)
  return join(RUNS, latest)
}
