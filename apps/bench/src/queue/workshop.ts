// Where a worker works on cells: a folder for each, made ready with what the store has of it.
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describeCell } from '@alibi/results'
import { readResults, resultsPath } from '@alibi/results/node'
import type { StartOptions } from '../checkpoints/start.js'
import { checkpointFolder } from '../run-folder/layout.js'
import { isLocked } from '../run-folder/lock.js'
import { UnreadyError } from '../sweep/run-in-process.js'
import type { CellJob } from './cell-job.js'
import { checkpointStamp, keepSnapshot, restoreSnapshot } from './snapshots.js'
import type { Store } from './store.js'
import { fetchText, hashOfText } from './texts.js'
import { fetchTokenizer } from './tokenizers.js'
import { expectTrustedCode } from './trusted.js'

interface WorkshopOptions {
  /** Of this machine alone. */
  readonly folder: string
  readonly store?: Store | undefined
  /** Of this machine's packages. */
  readonly versions: Readonly<Record<string, string>>
  readonly say: (line: string) => void
}

/** What a cell's process is told beside the cell. */
interface Ready {
  /** Whether nothing of the cell was done before. */
  readonly isNew: boolean
  readonly textAt?: string
  readonly tokenizerAt?: string
  readonly from?: StartOptions & { readonly name: string }
}

export interface Workshop {
  /** A cell's own. */
  folderOf(cell: CellJob): string
  /** @throws UnreadyError for what this machine lacks */
  prepare(cell: CellJob, signal: AbortSignal): Promise<Ready>
  /** Keeps a cell's checkpoint in the store, if there is a store and a checkpoint that it lacks. */
  save(cell: CellJob): Promise<void>
  /** Removes the folder of a cell whose lines have gone. */
  leave(cell: CellJob): Promise<void>
}

export function createWorkshop({ folder, store, versions, say }: WorkshopOptions): Workshop {
  const kept = new Map<string, string | undefined>()
  const folderOf = ({ sweep, cell }: CellJob) => join(folder, sweep, cell)
  const sourceOf = (cell: CellJob) => `${folderOf(cell)}.source`

  /** A cell is of one version from its first line to its last. */
  async function expectSameVersions(cell: CellJob, isStored: boolean): Promise<void> {
    const own = folderOf(cell)
    if (!existsSync(resultsPath(own))) return
    const { run } = await readResults(own)
    const names = [...new Set([...Object.keys(versions), ...Object.keys(run.versions)])]
    const other = names.find((name) => versions[name] !== run.versions[name])
    if (run.backend === cell.backend && other === undefined) return
    const [begun, here] = other
      ? [`${other} ${run.versions[other] ?? 'none'}`, versions[other] ?? 'none']
      : [`backend ${run.backend}`, cell.backend]
    if (isStored)
      throw new UnreadyError(`expected ${begun}, which ${describeCell(cell.key)} was begun with, got ${here}`)
    await rm(own, { recursive: true })
    say(`${describeCell(cell.key)} is begun anew: what ${own} had of it was made with ${begun}, not ${here}`)
  }

  async function textOf({ files, config: { data } }: CellJob): Promise<{ textAt?: string }> {
    if (files === undefined || !store || (await hashOfText(data)) === files) return {}
    return { textAt: await fetchText(store, files, join(folder, 'texts')) }
  }

  const tokenizerOf = async ({ config: { tokenizerFile }, source }: CellJob): Promise<{ tokenizerAt?: string }> =>
    // Where a cell goes on from a model, that one has it.
    !tokenizerFile || source
      ? {}
      : { tokenizerAt: await fetchTokenizer(store, tokenizerFile, join(folder, 'tokenizers')) }

  async function startOf(cell: CellJob): Promise<Pick<Ready, 'from'>> {
    const { source, sweep, key } = cell
    if (!source) return {}
    const [from, at] = [{ sweep, cell: source.cell, key: source.key }, sourceOf(cell)]
    if (!store || !(await restoreSnapshot(store, at, from)))
      throw new Error(
        `expected the checkpoint of ${describeCell(source.key)}, which ${describeCell(key)} goes on from, in the store, got ${store ? 'none' : 'no --store'}`,
      )
    return { from: { path: checkpointFolder(at, source.key), name: key.strategy, positions: source.positions } }
  }

  return {
    folderOf,
    async prepare(cell, signal) {
      const own = folderOf(cell)
      try {
        await expectTrustedCode(cell)
        // The process of a worker that was killed stops at its next step.
        for (; await isLocked(own); await setTimeout(200)) signal.throwIfAborted()
        const isStored = store !== undefined && (await restoreSnapshot(store, own, cell))
        await expectSameVersions(cell, isStored)
        kept.set(own, isStored ? await checkpointStamp(own, cell) : undefined)
        const needed = { ...(await textOf(cell)), ...(await tokenizerOf(cell)), ...(await startOf(cell)) }
        const ready = { isNew: !existsSync(own), ...needed }
        await mkdir(own, { recursive: true })
        return ready
      } catch (error) {
        if (signal.aborted || error instanceof UnreadyError) throw error
        throw new UnreadyError((error as Error).message.split('\n')[0])
      }
    },
    async save(cell) {
      const own = folderOf(cell)
      const stamp = store && (await checkpointStamp(own, cell))
      if (stamp === undefined || stamp === kept.get(own)) return
      if (await keepSnapshot(store!, own, cell)) kept.set(own, stamp)
    },
    async leave(cell) {
      kept.delete(folderOf(cell))
      for (const each of [folderOf(cell), sourceOf(cell)]) await rm(each, { recursive: true, force: true })
    },
  }
}
