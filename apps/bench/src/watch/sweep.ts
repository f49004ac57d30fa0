import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type CellKey, cellId, type Results, type RunLine } from '@alibi/results'
import { cellKey, cellsOf } from '../config/cells.js'
import type { RunConfig } from '../config/schema.js'
import { taskData, taskReferenceOf } from '../config/task-reference.js'
import { without } from '../config/without.js'
import { isLocked } from '../run-folder/lock.js'
import { CELLS, type End, readEnd } from '../sweep/folder.js'
import { alone, settingsOf, type WatchedCell } from './cell.js'
import { type Tail, tailResults } from './tail.js'

/** Folders that are looked at together. */
const TOGETHER = 64
/** Cells without a process that are looked at again each time: a sweep may have thousands, which seldom change. */
const IN_TURN = 100

/** A folder of a cell; of one name a plan that was changed leaves several. */
interface CellFolder {
  readonly path: string
  readonly tail: Tail
  end: End | undefined
  atWork: boolean
  changed: number
  /** Whether its lines are as they were when it was looked at. */
  isRead: boolean
  results: Results | undefined
  /** Whether it is of the plan as it is now: not known before its lines are read. */
  isPlanned: boolean
  /** Why its lines cannot be read. */
  problem: string | undefined
}

interface PlannedCell {
  readonly key: CellKey
  readonly config: RunConfig
  readonly folders: CellFolder[]
  /** The cell as it was read the last time. */
  cell: WatchedCell
}

/**
 * @param names - of the folders of cells
 * @param until - when to stop, by `performance.now()`: the rest is for the next time
 */
export type SweepReader = (
  names: readonly string[],
  until: number,
) => Promise<{
  readonly changed: boolean
  readonly cells: readonly WatchedCell[]
  /** Cells whose lines were not read yet. */
  readonly unread: number
}>

/** Reads the cells of a sweep: first how each ended, then lines, of cells that are not finished before others. */
export function watchedSweep(folder: string, run: RunLine, config: RunConfig): SweepReader {
  const planned: readonly PlannedCell[] = plannedCells(run, config).map(({ key, config }) => ({
    key,
    config,
    folders: [],
    cell: { key, config, results: undefined, end: undefined, atWork: false },
  }))
  const byId = new Map(planned.map((one) => [cellId(one.key), one]))
  const known = new Set<string>()
  let next = 0

  /** Cells of folders that were not there before. */
  const newCells = (names: readonly string[]) =>
    names.flatMap((name) => {
      const one = byId.get(name.slice(0, name.lastIndexOf('-')))
      if (!one || known.has(name)) return []
      known.add(name)
      one.folders.push(cellFolder(join(folder, CELLS, name)))
      return [one]
    })

  return async (names, until) => {
    const inTurn = planned.slice(next, next + IN_TURN)
    next = next + IN_TURN < planned.length ? next + IN_TURN : 0
    const looked = new Set([...newCells(names), ...planned.filter(({ cell }) => cell.atWork), ...inTurn])
    const lookedAt = [...looked].flatMap(({ folders }) => folders)
    for (let i = 0; i < lookedAt.length; i += TOGETHER) await Promise.all(lookedAt.slice(i, i + TOGETHER).map(lookAt))

    const toRead = planned.filter(isUnread)
    for (const { folders, config } of toRead.toSorted((a, b) => Number(isFinished(a)) - Number(isFinished(b)))) {
      if (performance.now() > until) break
      for (const each of folders) if (!each.isRead) await readLines(each, config)
    }

    let changed = false
    for (const one of planned) {
      const cell = cellOf(one)
      if (isSame(cell, one.cell)) continue
      one.cell = cell
      changed = true
    }
    return { changed, cells: planned.map(({ cell }) => cell), unread: planned.filter(isUnread).length }
  }
}

const cellFolder = (path: string): CellFolder => ({
  path,
  tail: tailResults(path),
  end: undefined,
  atWork: false,
  changed: 0,
  isRead: false,
  results: undefined,
  isPlanned: true,
  problem: undefined,
})

async function lookAt(own: CellFolder): Promise<void> {
  const changed = (await stat(own.path).catch(() => undefined))?.mtimeMs ?? 0
  // Whoever works in the folder of a finished cell again replaces files in it.
  if (own.end?.end === 'finished' && changed === own.changed) return
  own.changed = changed
  own.isRead = false
  own.end = await readEnd(own.path)
  own.atWork = own.end?.end !== 'finished' && (await isLocked(own.path))
}

async function readLines(own: CellFolder, expected: RunConfig): Promise<void> {
  own.isRead = true
  try {
    const results = await own.tail.read()
    if (results && results.run !== own.results?.run)
      own.isPlanned = isDeepStrictEqual(decisive(settingsOf(results.run)), decisive(expected))
    own.results = results
    own.problem = undefined
  } catch (error) {
    own.results = undefined
    own.problem = (error as Error).message.split('\n')[0]!
  }
}

/**
 * The settings that make cells of one name different: not where strategies lie, nor the order of evaluation lengths.
 */
const decisive = ({ variants, evalLengths, strategies, ...config }: RunConfig) => ({
  // Where it goes on from is in its name: a checkpoint of the sweep.
  ...without(config, 'plugins', 'from'),
  strategies,
  variants: strategies.map((name) => variants?.[name]),
  evalLengths: evalLengths.toSorted((a, b) => a - b),
})

const isUnread = ({ folders }: PlannedCell) => folders.some(({ isRead }) => !isRead)

const isFinished = ({ folders }: PlannedCell) => folders.every(({ end }) => end?.end === 'finished')

/** What counts is the latest folder of the plan as it is now. */
function cellOf({ key, config, folders }: PlannedCell): WatchedCell {
  const [own] = folders.filter(({ isPlanned, changed }) => isPlanned && changed).sort((a, b) => b.changed - a.changed)
  const end = own?.problem === undefined ? own?.end : ({ end: 'failed', message: own.problem } as const)
  return { key, config, results: own?.results, end, atWork: own?.atWork ?? false }
}

const isSame = (a: WatchedCell, b: WatchedCell) =>
  a.results === b.results && a.atWork === b.atWork && (a.end === b.end || isDeepStrictEqual(a.end, b.end))

/** Every cell of the plan, all strategies of a seed together. */
export function plannedCells(run: RunLine, config: RunConfig): Pick<WatchedCell, 'key' | 'config'>[] {
  const cells = expectedConfigs(run, config).flatMap((expected) =>
    cellsOf(expected).map((cell) => ({ key: cellKey(cell, expected), config: alone(expected, cell) })),
  )
  const turns = new Map(config.seeds.map((seed, i) => [seed, i]))
  return cells.sort((a, b) => turns.get(a.key.seed)! - turns.get(b.key.seed)!)
}

/** Its run for each size and train length, as the plan made them. */
function expectedConfigs({ sweep }: RunLine, config: RunConfig): RunConfig[] {
  const { sizes, trainLengths, tokensPerStep, tasks, cells = [] } = sweep!
  const datas = tasks?.map(({ name, from = name }) => taskData(from)) ?? [config.data]
  const places = sizes.flatMap((size) => datas.map((data) => ({ ...config, ...size, data })))
  const runs = places.flatMap((place) =>
    trainLengths.map((trainLength) => ({
      ...place,
      trainLength,
      evalLengths: config.evalLengths.filter(
        (length) => length >= trainLength || taskReferenceOf(place.data) !== undefined,
      ),
      ...(tokensPerStep && { batchSize: tokensPerStep / trainLength }),
    })),
  )
  return [...runs, ...places.flatMap((place) => cells.map((cell) => withChanges(place, cell)))]
}

/** A cell's settings, without what it lacks. */
function withChanges(place: RunConfig, { source: _, ...changes }: Readonly<Record<string, unknown>>): RunConfig {
  const all = Object.entries({ ...place, ...changes }).filter(([, value]) => value !== null)
  return Object.fromEntries(all) as unknown as RunConfig
}
