import { isDeepStrictEqual } from 'node:util'
import { emptyResults, linesOf, type ResultLine, type Results, type RunLine, SCHEMA_VERSION } from '@alibi/results'
import type { RunConfig } from '../config/schema.js'
import { taskNameOf, taskReferenceOf } from '../config/task-reference.js'
import type { Outcomes } from './messages.js'
import type { Plan } from './plan.js'
import type { PlannedRun, Source } from './plan-cells.js'

/** The first line of a sweep's results: what its cells have in common, and what they vary. */
export function sweepRunLine(plan: Plan, { runs, backend, versions, commit }: Outcomes['resolve']): RunLine {
  const { name, description, trainLengths, tokensPerStep } = plan
  const sizes = runs
    .slice(0, firstOfFurther(plan, runs))
    .filter(({ trainLength, data }) => trainLength === trainLengths[0] && data === runs[0]!.data)
    .map(({ numLayers, modelDim, numHeads }) => ({ numLayers, modelDim, numHeads }))
  const evalLengths = [...new Set(runs.flatMap((run) => run.evalLengths))].sort((a, b) => a - b)
  const config: RunConfig = { ...runs[0]!, evalLengths }
  const cells = furtherCells(plan, runs, config)
  const tasks = plan.tasks && [...new Set(runs.map(({ data }) => taskReferenceOf(data)!))]
  return {
    type: 'run',
    schemaVersion: SCHEMA_VERSION,
    config,
    sweep: {
      plan: name,
      trainLengths,
      sizes,
      ...(description && { description }),
      ...(tokensPerStep && { tokensPerStep }),
      ...(cells.length && { cells }),
      ...(tasks && { tasks: tasks.map((from) => ({ name: taskNameOf(from), from })) }),
    },
    seed: config.seeds[0]!,
    backend: backend.name,
    device: backend.device,
    versions,
    commit,
  }
}

/** What each run of a plan's further cells has otherwise; those of other sizes and texts have the same. */
function furtherCells(plan: Plan, runs: readonly PlannedRun[], config: RunConfig) {
  const { cells = [] } = plan
  const first = firstOfFurther(plan, runs)
  return runs.slice(first, first + cells.length).map(({ source, ...run }) => ({
    ...differing(run, config),
    ...{ strategies: run.strategies, trainLength: run.trainLength },
    ...(source && { source: describeSource(source, runs) }),
  }))
}

/** Where the runs of further cells begin. */
const firstOfFurther = ({ cells = [], sizes, tasks }: Plan, runs: readonly PlannedRun[]): number =>
  runs.length - (sizes?.length ?? 1) * (tasks?.length ?? 1) * cells.length

/** The settings of a run that are not another's. */
function differing(run: RunConfig, other: RunConfig): Record<string, unknown> {
  const [own, theirs]: Settings[] = [run, other]
  const names = Object.keys({ ...theirs, ...own }).filter((name) => !isDeepStrictEqual(own![name], theirs![name]))
  return Object.fromEntries(names.map((name) => [name, own![name] ?? null]))
}

type Settings = Readonly<Record<string, unknown>>

/** As a plan has it. */
function describeSource({ run, strategy, positions, as }: Source, runs: readonly PlannedRun[]) {
  const { strategies, trainLength, plugins } = runs[run]!
  const name = strategies[strategy]!
  return {
    from: { strategy: plugins?.[name]?.from ?? name, trainLength },
    ...(positions !== undefined && { positions }),
    ...(as !== undefined && { as }),
  }
}

/** The results of cells as those of one run, made on whatever machines and versions they were made. */
export function mergeResults(run: RunLine, cells: readonly Results[]): Results {
  if (!cells.length) return emptyResults(run)
  const all = (values: readonly (string | null | undefined)[]) =>
    [...new Set(values.filter((value) => value !== null && value !== undefined))].join(' and ')
  const lines = cells.map((cell) => cell.run)
  const packages = [...new Set(lines.flatMap(({ versions }) => Object.keys(versions)))]
  return {
    run: {
      ...run,
      device: all(lines.map(({ device }) => device)),
      versions: Object.fromEntries(packages.map((name) => [name, all(lines.map(({ versions }) => versions[name]))])),
      commit: all(lines.map(({ commit }) => commit)) || null,
    },
    train: cells.flatMap(({ train }) => train),
    evals: cells.flatMap(({ evals }) => evals),
    positions: cells.flatMap(({ positions }) => positions),
    retrieval: cells.flatMap(({ retrieval }) => retrieval),
    tasks: cells.flatMap(({ tasks }) => tasks),
    contexts: cells.flatMap(({ contexts }) => contexts),
  }
}

/** All lines of a cell but the first. */
export const cellLines = (results: Results): ResultLine[] => {
  const [, ...lines] = linesOf(results)
  return lines as ResultLine[]
}

/** What a cell took, but for starting its process: its training steps and its evaluations. */
export const secondsOf = ({ train, evals }: Results): number =>
  (train.at(-1)?.elapsedSeconds ?? 0) +
  evals.reduce((sum, line) => sum + line.tokens / (line.tokensPerSecond ?? Number.POSITIVE_INFINITY), 0)
