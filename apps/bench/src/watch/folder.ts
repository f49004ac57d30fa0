import type { Results, RunLine } from '@alibi/results'
import { cellKey, cellsOf } from '../config/cells.js'
import { isLocked } from '../run-folder/lock.js'
import { alone, linesByCell, settingsOf, type WatchedCell } from './cell.js'
import { type SweepReader, watchedSweep } from './sweep.js'
import { tailResults } from './tail.js'

export type Watched =
  | { readonly kind: 'waiting' | 'unreadable'; readonly message: string }
  | {
      readonly kind: 'found'
      readonly run: RunLine
      /** In the order in which they are done. */
      readonly cells: readonly WatchedCell[]
      readonly atWork: boolean
      /** Cells whose lines were not read yet: the next time. */
      readonly unread: number
    }

const WAITING = 'waiting for results to be written there'

/**
 * Reads the folder of a run or a sweep while others write to it, or before they do.
 *
 * @returns reads what has changed, for a slice of time; the same object where nothing has
 */
export function watchedFolder(folder: string): () => Promise<Watched> {
  const tail = tailResults(folder)
  let last: Watched = { kind: 'waiting', message: WAITING }
  let seen: { readonly results: Results; readonly atWork: boolean } | undefined
  let sweep: { readonly run: RunLine; readonly read: SweepReader } | undefined
  const without = (kind: 'waiting' | 'unreadable', message: string) => {
    seen = sweep = undefined
    if (last.kind !== kind || last.message !== message) last = { kind, message }
    return last
  }
  return async () => {
    try {
      const results = await tail.read()
      if (!results) return without('waiting', WAITING)
      const { run } = results
      const atWork = await isLocked(folder)
      if (run.sweep) {
        if (sweep?.run !== run) sweep = { run, read: watchedSweep(folder, run, settingsOf(run)) }
        const { changed, cells, unread } = await sweep.read(results)
        if (changed || last.kind !== 'found' || last.atWork !== atWork)
          last = { kind: 'found', run, cells, atWork, unread }
        return last
      }
      if (seen?.results !== results || seen.atWork !== atWork) {
        seen = { results, atWork }
        last = { kind: 'found', run, cells: cellsOfRun(results, atWork), atWork, unread: 0 }
      }
      return last
    } catch (error) {
      return without('unreadable', (error as Error).message.split('\n')[0]!)
    }
  }
}

/** They are done one after another: the first that is not finished is the one that is worked on. */
function cellsOfRun(results: Results, atWork: boolean): WatchedCell[] {
  const config = settingsOf(results.run)
  const linesOf = linesByCell(results)
  return cellsOf(config).map((cell) => {
    const key = cellKey(cell, config)
    return { key, config: alone(config, cell), results: linesOf(key), end: undefined, atWork }
  })
}
