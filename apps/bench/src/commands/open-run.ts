import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Backend, type BackendName, selectBackend } from '@alibi/backend'
import { type RunConfig, type RunOptions, resolveRunConfig } from '../config.js'
import { codeCommit, versionsOf } from '../machine.js'
import { readResults, resultsPath, writeResults } from '../results/file.js'
import { SCHEMA_VERSION } from '../results/schema.js'

export interface OpenOptions {
  readonly out?: string
  readonly resume?: boolean
  readonly backend: BackendName | 'auto'
  readonly given: RunOptions
}

export interface OpenedRun {
  readonly folder: string
  readonly config: RunConfig
  readonly backend: Backend
}

const RUNS = 'runs'

/**
 * A new folder of results with its first line, or one that goes on.
 *
 * @throws Error, one line with what to do, for a folder in use, or other options than the run was begun with
 */
export async function openRun({ out, resume = false, backend: wanted, given }: OpenOptions): Promise<OpenedRun> {
  const folder = resolve(out ?? (resume ? await latestRun() : newRun(given.preset ?? 'quick')))
  const begun = existsSync(resultsPath(folder))
  if (!begun) {
    const config = resolveRunConfig(given)
    const backend = await selectBackend(wanted)
    await mkdir(folder, { recursive: true })
    const { name, device } = backend
    const versions = versionsOf(backend)
    const [seed] = config.seeds as [number]
    const about = { config, seed, backend: name, device, versions, commit: await codeCommit() }
    await writeResults(folder, { run: { type: 'run', schemaVersion: SCHEMA_VERSION, ...about }, train: [], evals: [] })
    return { folder, config, backend }
  }
  if (!resume)
    throw new Error(
      `run: expected a new folder, got ${folder} with results; add --resume to go on, or take another --out`,
    )
  const { run } = await readResults(folder)
  const other = Object.entries(given).find(
    ([key, value]) => !isDeepStrictEqual(run.config[key as keyof RunConfig], value),
  )
  if (other)
    throw new Error(
      `run: expected the options that ${folder} was begun with, got ${other[0]} ${other[1]} instead of ${
        run.config[other[0] as keyof RunConfig]
      }; leave it out, or take another --out`,
    )
  if (wanted !== 'auto' && wanted !== run.backend)
    throw new Error(`run: expected backend ${run.backend}, which ${folder} was begun with, got ${wanted}`)
  return { folder, config: run.config, backend: await selectBackend(run.backend as BackendName) }
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
