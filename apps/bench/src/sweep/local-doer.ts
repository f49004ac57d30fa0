import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackendName } from '@alibi/backend'
import { readResults } from '@alibi/results/node'
import { checkpointFolder } from '../run-folder/layout.js'
import type { SweepCell } from './cells.js'
import type { CellsDoer } from './cells-doer.js'
import { cellFolder } from './folder.js'
import { doJob } from './run-in-process.js'

interface LocalOptions {
  /** The sweep's. */
  readonly folder: string
  readonly backend: BackendName
  /** Processes at once. */
  readonly jobs: number
  /** Trains models anew whose checkpoints are damaged. */
  readonly retrain: boolean
  /** Folder for TensorBoard's event files. */
  readonly tensorboard?: string | undefined
  readonly signal: AbortSignal
}

/** Does cells in processes of this machine, in their folders. */
export function localDoer({ folder, backend, jobs, retrain, tensorboard, signal }: LocalOptions): CellsDoer {
  return {
    atOnce: jobs,
    working: () => jobs,
    async do(cell, progress) {
      const own = cellFolder(folder, cell)
      const isNew = !existsSync(own)
      await mkdir(own, { recursive: true })
      const started = performance.now()
      const from = cell.source && { from: startOf(folder, cell, cell.source) }
      const job = { kind: 'run', run: cell.config, ...from, folder: own, backend, retrain, tensorboard } as const
      await doJob(job, { progress, logFile: join(own, 'log.txt'), jobs, signal })
      const seconds = isNew ? (performance.now() - started) / 1000 : undefined
      return { results: await readResults(own), seconds }
    },
  }
}

/** Where a cell goes on from. */
const startOf = (folder: string, { key }: SweepCell, { cell, positions }: NonNullable<SweepCell['source']>) => ({
  path: checkpointFolder(cellFolder(folder, cell), cell.key),
  name: key.strategy,
  positions,
})
