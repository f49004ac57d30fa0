import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Results, RunLine } from '@alibi/results'
import { cellKey, cellsOf } from '../config/cells.js'
import { isLocked } from '../run-folder/lock.js'
import { CELLS } from '../sweep/folder.js'
import { alone, linesByCell, settingsOf, type WatchedCell } from './cell.js'
import { plannedCells, type SweepReader, watchedSweep } from './sweep.js'
import { runLineOf, tailResults } from './tail.js'

export type Watched =
  | { readonly kind: 'waiting' | 'unreadable'; readonly message: string }
  | {
      readonly kind: 'found'
      readonly run: RunLine
      /** In the order in which they are done. */
      readonly cells: readonly WatchedCell[]
      readonly atWork: boolean
      /** What was not read yet: the next time. */
      readonly unread: Unread | undefined
    }

type Unread = { readonly cells: number } | { readonly bytes: number }

const WAITING = 'waiting for results to be written there'
/** How long lines are read before what is known is shown. */
const SLICE_MS = 300

/**
 * Reads the folder of a run or a sweep while others write to it, or before they do.
 *
 * @returns reads what has changed, for a slice of time; the same object where nothing has
 */
export function watchedFolder(folder: string): () => Promise<Watched> {
  const tail = tailResults(folder)
  const runLine = runLineOf(folder)
  let last: Watched = { kind: 'waiting', message: WAITING }
  let seen: { readonly results: Results; readonly atWork: boolean } | undefined
  let sweep: { readonly run: RunLine; readonly read: SweepReader } | undefined

  const without = (kind: 'waiting' | 'unreadable', message: string): Watched => {
    seen = sweep = undefined
    if (last.kind !== kind || last.message !== message) last = { kind, message }
    return last
  }
  const readSweep = async (run: RunLine, names: readonly string[], atWork: boolean): Promise<Watched> => {
    if (!sweep || !isDeepStrictEqual(sweep.run, run)) sweep = { run, read: watchedSweep(folder, run, settingsOf(run)) }
    const { changed, cells, unread } = await sweep.read(names, performance.now() + SLICE_MS)
    seen = undefined
    if (changed || last.kind !== 'found' || last.run !== sweep.run || last.atWork !== atWork)
      last = { kind: 'found', run: sweep.run, cells, atWork, unread: unread ? { cells: unread } : undefined }
    return last
  }
  const readRun = async (atWork: boolean): Promise<Watched> => {
    const results = await tail.read(performance.now() + SLICE_MS)
    if (!results) return without('waiting', WAITING)
    if (seen?.results === results && seen.atWork === atWork) return last
    seen = { results, atWork }
    const bytes = tail.left()
    const cells = cellsOfRun(results, atWork)
    last = { kind: 'found', run: results.run, cells, atWork, unread: bytes ? { bytes } : undefined }
    return last
  }
  return async () => {
    try {
      const atWork = await isLocked(folder)
      const run = await runLine()
      const names = run?.sweep ? await readdir(join(folder, CELLS)).catch((): string[] => []) : []
      // Results of a sweep that were kept without the folders of its cells are read as a run's are.
      return run && names.length ? await readSweep(run, names, atWork) : await readRun(atWork)
    } catch (error) {
      return without('unreadable', (error as Error).message.split('\n')[0]!)
    }
  }
}

/** The cells of a run. It does them one after another, so the first that is not finished is the one in progress. */
function cellsOfRun(results: Results, atWork: boolean): WatchedCell[] {
  const { run } = results
  const config = settingsOf(run)
  const linesOf = linesByCell(results)
  const planned = run.sweep
    ? plannedCells(run, config)
    : cellsOf(config).map((cell) => ({ key: cellKey(cell, config), config: alone(config, cell) }))
  return planned.map(({ key, config }) => {
    const own = linesOf(key)
    // A sweep's own results have lines of finished cells alone.
    const end = own && run.sweep ? ({ end: 'finished' } as const) : undefined
    return { key, config, results: own, end, atWork }
  })
}
