import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type CellKey, cellId, isCell, type Results, type RunLine } from '@alibi/results'
import { readResults, resultsPath } from '@alibi/results/node'
import { savedConfig } from '../config/saved.js'
import type { RunConfig } from '../config/schema.js'
import { type Cell, cellKey, cellsOf } from '../experiment/cell.js'
import { isLocked } from '../run-folder/lock.js'
import { type End, readEnd } from '../sweep/folder.js'

/** What a folder has of one cell of a run or sweep. */
export interface WatchedCell {
  readonly key: CellKey
  /** With its strategy and seed alone. */
  readonly config: RunConfig
  /** Its lines alone; undefined before the first. */
  readonly results: Results | undefined
  /** How its process ended, in a sweep. */
  readonly end: End | undefined
  /** Whether a process of this machine is at it. */
  readonly atWork: boolean
}

export type Watched =
  | { readonly kind: 'waiting' | 'unreadable'; readonly message: string }
  | {
      readonly kind: 'found'
      readonly run: RunLine
      /** In the order in which they are done. */
      readonly cells: readonly WatchedCell[]
      readonly atWork: boolean
    }

/**
 * Reads the folder of a run or a sweep while others write to it, or before they do.
 *
 * @returns reads it once more: only the files that have changed
 */
export function watchedFolder(folder: string): () => Promise<Watched> {
  const read = rememberingReader()
  return async () => {
    try {
      const results = await read(folder)
      if (!results) return { kind: 'waiting', message: 'waiting for results to be written there' }
      const atWork = await isLocked(folder)
      const { run } = results
      const cells = run.sweep ? await cellsOfSweep(folder, run, read) : cellsOfRun(results, atWork)
      return { kind: 'found', run, cells, atWork }
    } catch (error) {
      return { kind: 'unreadable', message: (error as Error).message.split('\n')[0]! }
    }
  }
}

type Reader = (folder: string) => Promise<Results | undefined>

/** @returns reads a folder's results, again only if they have changed; undefined where there are none */
function rememberingReader(): Reader {
  const known = new Map<string, { readonly stamp: string; readonly results: Results }>()
  return async (folder) => {
    const found = await stat(resultsPath(folder)).catch(() => undefined)
    if (!found) return undefined
    if (!found.isFile()) throw new Error(`watch: expected a file, got ${resultsPath(folder)}, which is none`)
    // Before reading: what is appended meanwhile is seen the next time.
    const stamp = `${found.ino} ${found.mtimeMs} ${found.size}`
    if (known.get(folder)?.stamp !== stamp) known.set(folder, { stamp, results: await readResults(folder) })
    return known.get(folder)!.results
  }
}

/** @throws Error, one line, for results of another program */
function settingsOf(run: RunLine): RunConfig {
  const config = savedConfig(run)
  if (!config) throw new Error('watch: expected results of the bench, got those of another program; make their report')
  return config
}

/** They are done one after another: what is at work is the first that is not finished. */
function cellsOfRun(results: Results, atWork: boolean): WatchedCell[] {
  const config = settingsOf(results.run)
  return cellsOf(config).map((cell) => {
    const key = cellKey(cell, config)
    return { key, config: alone(config, cell), results: onlyOf(results, key), end: undefined, atWork }
  })
}

const alone = (config: RunConfig, { strategy, seed }: Cell): RunConfig => ({
  ...config,
  strategies: [strategy],
  seeds: [seed],
})

async function cellsOfSweep(folder: string, run: RunLine, read: Reader): Promise<WatchedCell[]> {
  const names = await readdir(join(folder, 'cells')).catch((): string[] => [])
  const ofRuns = expectedConfigs(run).flatMap((config) => cellsOf(config).map((cell) => ({ config, cell })))
  const inTurn = run.config.seeds.flatMap((seed) => ofRuns.filter(({ cell }) => cell.seed === seed))
  return Promise.all(
    inTurn.map(async ({ config, cell }) => {
      const key = cellKey(cell, config)
      const own = names.filter((name) => name.startsWith(`${cellId(key)}-`)).map((name) => join(folder, 'cells', name))
      const expected = alone(config, cell)
      return { key, config: expected, ...(await readCell(own, expected, read)) }
    }),
  )
}

/** Its run for each size and train length, as the plan made them. */
function expectedConfigs(run: RunLine): RunConfig[] {
  const config = settingsOf(run)
  const { sizes, trainLengths, tokensPerStep } = run.sweep!
  return sizes.flatMap((size) =>
    trainLengths.map((trainLength) => ({
      ...config,
      ...size,
      trainLength,
      evalLengths: config.evalLengths.filter((length) => length >= trainLength),
      ...(tokensPerStep && { batchSize: tokensPerStep / trainLength }),
    })),
  )
}

/**
 * @param folders - of cells of that name: a plan that was changed has left those of before
 * @param expected - settings of the one that counts; of several the latest
 */
async function readCell(
  folders: readonly string[],
  expected: RunConfig,
  read: Reader,
): Promise<Pick<WatchedCell, 'results' | 'end' | 'atWork'>> {
  const found = await Promise.all(folders.map((folder) => readOwn(folder, read)))
  const [own] = found
    .filter(({ results }) => !results || isDeepStrictEqual(decisive(settingsOf(results.run)), decisive(expected)))
    .sort((a, b) => b.changed - a.changed)
  return own ?? { results: undefined, end: undefined, atWork: false }
}

async function readOwn(folder: string, read: Reader) {
  const [end, changed] = [await readEnd(folder), (await stat(folder)).mtimeMs]
  const atWork = end?.end !== 'finished' && (await isLocked(folder))
  try {
    return { results: await read(folder), end, atWork, changed }
  } catch (error) {
    return { results: undefined, end: { end: 'failed', message: (error as Error).message } as const, atWork, changed }
  }
}

/** Settings that tell cells of one name apart: not where strategies are, and the evaluation lengths in whatever order. */
const decisive = ({ plugins: _, evalLengths, ...config }: RunConfig) => ({
  ...config,
  evalLengths: evalLengths.toSorted((a, b) => a - b),
})

/** What a run has of one of its cells. */
function onlyOf({ run, ...lines }: Results, key: CellKey): Results | undefined {
  const own = <T extends CellKey>(all: readonly T[]) => all.filter((line) => isCell(line, key))
  const [train, evals, positions] = [own(lines.train), own(lines.evals), own(lines.positions)]
  return train.length || evals.length ? { run, train, evals, positions, retrieval: own(lines.retrieval) } : undefined
}
