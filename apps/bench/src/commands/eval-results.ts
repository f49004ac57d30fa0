import { existsSync } from 'node:fs'
import type { Backend } from '@alibi/backend'
import { codeCommit, versionsOf } from '@alibi/machine'
import {
  type CellKey,
  isCell,
  linesOf,
  type ResultLine,
  type Results,
  type RunLine,
  SCHEMA_VERSION,
  sameReading,
} from '@alibi/results'
import { readResults, resultsPath, writeResults } from '@alibi/results/node'
import { expectWritable, makeFolder } from '../files/paths.js'
import { lockFolder } from '../run-folder/lock.js'

type Line = Exclude<ResultLine, RunLine>

/** Says in a first line that results are of models that were trained elsewhere. */
const EVALUATED = { evaluated: true } as const

/**
 * The folder that evaluations are kept in: new, or one that has others.
 *
 * @throws Error, one line, for a folder in use, or results of a run
 */
export async function openEvaluations(folder: string): Promise<Results | undefined> {
  await expectWritable('eval', folder)
  await lockFolder(folder)
  if (!existsSync(resultsPath(folder))) return undefined
  const before = await readResults(folder)
  if (before.run.config.evaluated !== true)
    throw new Error(
      `eval: expected a new folder, or one that eval --out wrote, got ${folder} with the results of a run; take another --out`,
    )
  return before
}

/**
 * Adds lines of a model to those that a folder has, in the place of those that measure the same, and writes the report of all.
 *
 * @returns the report
 */
export async function keepEvaluations(
  folder: string,
  before: Results | undefined,
  { cell, lines, backend }: { readonly cell: CellKey; readonly lines: readonly Line[]; readonly backend: Backend },
): Promise<string> {
  const [, ...others] = before ? linesOf(before) : []
  const kept = (others as Line[]).filter((line) => !lines.some((fresh) => measuresTheSame(line, fresh)))
  await makeFolder('eval', folder)
  const run = before?.run
  const union = <T>(all: readonly T[] | undefined, one: T) => [...new Set([...(all ?? []), one])]
  const about = { backend: backend.name, device: backend.device, versions: versionsOf(backend) }
  const config = {
    strategies: union(run?.config.strategies, cell.strategy),
    seeds: union(run?.config.seeds, cell.seed),
    trainLength: run?.config.trainLength ?? cell.trainLength,
    ...EVALUATED,
  }
  const first = { type: 'run', schemaVersion: SCHEMA_VERSION, config, ...about, commit: await codeCommit() } as const
  await writeResults(folder, [first, ...kept, ...lines])
  // Its charts are many modules, which most evaluations do without.
  const { writeReport } = await import('../report/write.js')
  return (await writeReport(folder, await readResults(folder))).html
}

function measuresTheSame(a: Line, b: Line): boolean {
  if (a.type !== b.type || !isCell(a, b)) return false
  if (a.type === 'task' && b.type === 'task')
    return a.task === b.task && a.evalLength === b.evalLength && a.scoring === b.scoring
  if (a.type === 'context' && b.type === 'context') return a.evalLength === b.evalLength
  return 'protocol' in a && 'protocol' in b && sameReading(a, b)
}
