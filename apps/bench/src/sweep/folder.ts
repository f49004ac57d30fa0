import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Results } from '@alibi/results'
import { readResults } from '@alibi/results/node'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import type { SweepCell } from './cells.js'
import { secondsOf } from './results.js'

/** How a cell's process ended. A cell that was stopped has none, like one that has not begun. */
const endSchema = z.discriminatedUnion('end', [
  z.object({
    end: z.literal('finished'),
    /** Seconds that its process took, if one process did it from start to end. */
    seconds: z.number().min(0).optional(),
  }),
  z.object({ end: z.literal('failed'), message: z.string() }),
])
export type End = z.infer<typeof endSchema>

/** What a sweep's folder has of a cell. */
export type CellState =
  | {
      readonly end: 'finished'
      readonly results: Results
      /** Seconds that it took, including the start of its process if it was one alone. */
      readonly seconds: number
    }
  | { readonly end: 'failed'; readonly message: string }
  | { readonly end: undefined }

/** Has a folder for each cell. */
export const CELLS = 'cells'

/** A cell's own run folder in the sweep's. */
export const cellFolder = (folder: string, { id }: Pick<SweepCell, 'id'>) => join(folder, CELLS, id)

const endPath = (own: string) => join(own, 'end.json')

/** How the process that worked in a cell's own folder ended; undefined if it has not. */
export async function readEnd(own: string): Promise<End | undefined> {
  try {
    return endSchema.parse(JSON.parse(await readFile(endPath(own), 'utf8')))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? undefined : { end: 'failed', message: message.split('\n')[0]! }
  }
}

/** The ids of cells that have a folder: that have begun. */
export const begunCells = async (folder: string): Promise<ReadonlySet<string>> =>
  new Set(await readdir(join(folder, CELLS)).catch((): string[] => []))

export async function readState(folder: string, cell: SweepCell): Promise<CellState> {
  const own = cellFolder(folder, cell)
  const end = await readEnd(own)
  if (end?.end !== 'finished') return end ?? { end: undefined }
  try {
    const results = await readResults(own)
    return { end: 'finished', results, seconds: end.seconds ?? secondsOf(results) }
  } catch (error) {
    return { end: 'failed', message: (error as Error).message.split('\n')[0]! }
  }
}

export async function writeEnd(folder: string, cell: SweepCell, end: End): Promise<void> {
  const own = cellFolder(folder, cell)
  await mkdir(own, { recursive: true })
  await writeFileAtomic(endPath(own), `${JSON.stringify(end)}\n`)
}
