// What the names of a plan stand for: its strategies, its texts, and the positions of cells that go on from others.
import { type BackendName, selectBackend } from '@alibi/backend'
import { codeCommit, versionsOf } from '@alibi/machine'
import { cellId } from '@alibi/results'
import { type LoadedPositions, loadPositions, type OwnPositions, placePositions } from '../checkpoints/positions.js'
import { cellKey, cellsOf } from '../config/cells.js'
import type { RunConfig } from '../config/schema.js'
import { taskReferenceOf } from '../config/task-reference.js'
import { type Corpus, checkLengths, readCorpus } from '../data/corpus.js'
import { sourceNamed } from '../data/sources.js'
import { availableMemory, checkMemory } from '../experiment/memory.js'
import { admitStrategies, expectPositions, type LoadedStrategy, loadStrategies } from '../plugins/admit.js'
import { selfTestOnce } from '../self-test/store.js'
import type { Outcomes } from './messages.js'
import type { PlannedRun, Source } from './plan-cells.js'

interface ResolveOptions {
  /** Processes that will work at once. */
  readonly jobs: number
  readonly backend: BackendName | 'auto'
  readonly log: (line: string) => void
  readonly signal: AbortSignal
}

/** @throws Error, one line, for a plan that cannot be done */
export async function resolveRuns(
  planned: readonly PlannedRun[],
  { jobs, backend: wanted, log, signal }: ResolveOptions,
): Promise<Outcomes['resolve']> {
  // Before the backend, so that a wrong name is reported at once.
  const loaded = await Promise.all(planned.map(loadRun))
  const backend = await selectBackend(wanted)
  await selfTestOnce(backend, log)
  const processes = Math.min(jobs, planned.flatMap(cellsOf).length)
  for (const config of planned) checkMemory('sweep', config, availableMemory(backend), processes)
  const texts = await textsOf(planned, log, signal)
  const runs: PlannedRun[] = []
  const made: OwnPositions[][] = []
  for (const each of loaded) {
    const { run, positions } = 'source' in each ? await continued(each, made, log) : await admitted(each, log)
    runs.push(run)
    made.push(positions)
  }
  expectDistinct(runs)
  const { name, device } = backend
  return { backend: { name, device }, versions: versionsOf(backend), commit: await codeCommit(), runs, texts }
}

/** What the names of a run lead to. */
type LoadedRun =
  | { readonly run: PlannedRun; readonly strategies: readonly LoadedStrategy[] }
  | { readonly run: PlannedRun; readonly source: Source; readonly positions: LoadedPositions | undefined }

async function loadRun(run: PlannedRun): Promise<LoadedRun> {
  const { source, strategies } = run
  if (!source) return { run, strategies: await loadStrategies(strategies) }
  const { positions } = source
  return { run, source, positions: positions === undefined ? undefined : await loadPositions(positions) }
}

/** The hash of each run's text. */
async function textsOf(
  runs: readonly RunConfig[],
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const corpora = new Map<string, Corpus>()
  const texts: string[] = []
  for (const config of runs) {
    const { data, tokenizer, tokenizerFile, vocabularySize, firstToken, pack, trainLength, evalLengths } = config
    // What is made up is made for a train length.
    const isMade = sourceNamed(data)?.task !== undefined || taskReferenceOf(data) !== undefined
    const key = JSON.stringify([
      data,
      tokenizer,
      tokenizerFile,
      vocabularySize,
      firstToken,
      pack,
      isMade && trainLength,
    ])
    const corpus = corpora.get(key) ?? (await readCorpus(config, { log, signal }))
    corpora.set(key, corpus)
    checkLengths(corpus, trainLength, evalLengths)
    texts.push(corpus.hash)
  }
  return texts
}

interface Resolved {
  readonly run: PlannedRun
  /** Of each of its strategies. */
  readonly positions: OwnPositions[]
}

async function admitted(
  { run, strategies }: Extract<LoadedRun, { strategies: unknown }>,
  log: (line: string) => void,
): Promise<Resolved> {
  const { source: _, ...planned } = run
  const { config, registry } = await admitStrategies(strategies, planned, log)
  const { trainLength } = run
  const positions = config.strategies.map((name) => {
    const [variant, plugin] = [config.variants?.[name], config.plugins?.[name]]
    return {
      strategy: registry.make(name, { ...planned, ...config }),
      kind: variant?.use ?? name,
      origin: { strategy: name, trainLength, ...(variant && { variant }), ...(plugin && { plugin }) },
      trainLength,
    }
  })
  return { run: { ...planned, ...config }, positions }
}

async function continued(
  { run, source, positions }: Extract<LoadedRun, { source: unknown }>,
  made: readonly (readonly OwnPositions[])[],
  log: (line: string) => void,
): Promise<Resolved> {
  const own = made[source.run]![source.strategy]!
  const { numHeads, modelDim, trainLength, steps } = run
  const placed = positions ? await placePositions(own, positions, { numHeads, modelDim, trainLength }, log) : own
  expectPositions(placed.strategy, run)
  const { strategy, origin } = placed
  return {
    run: { ...run, strategies: [source.as ?? strategy.name], source: { ...source, origin } },
    positions: [{ ...placed, trainLength: steps ? trainLength : own.trainLength }],
  }
}

/** Results tell cells from each other by strategy, train length, seed, size and task. */
function expectDistinct(runs: readonly RunConfig[]): void {
  const keys = runs.flatMap((run) => cellsOf(run).map((cell) => cellKey(cell, run)))
  const ids = keys.map(cellId)
  const twice = keys.find((_, i) => ids.indexOf(ids[i]!) !== i)
  if (twice)
    throw new Error(
      `sweep: expected cells that differ in strategy or train length, got ${twice.strategy} at ${twice.trainLength} twice; name one of them with as`,
    )
}
