import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { pathKind, readFileAt } from '../files/paths.js'
import { isSameCell, type PaperCell } from './cells.js'

const count = z.int().min(1)

const doneSchema = z.object({
  part: z.enum(['valid', 'test']),
  trainLength: count,
  evalLength: count,
  stride: count,
  /** What was read, so that another file or text is not taken for it. */
  checkpoint: z.string(),
  text: z.string(),
  tokens: count,
  lossNats: z.number(),
  perplexity: z.number(),
  seconds: z.number().min(0),
  backend: z.string(),
})

/** A cell that was scored. */
export type DoneCell = z.infer<typeof doneSchema>

/** Scored cells, each on disk before the next begins. */
export interface Store {
  /** The number of a cell, if it was scored with these files. */
  find(cell: PaperCell, marks: Pick<DoneCell, 'checkpoint' | 'text'>): DoneCell | undefined
  add(done: DoneCell): Promise<void>
}

const FILE = 'paper.jsonl'

/** @throws Error, one line, for a file with other lines; one that was cut off at its end is scored again */
export async function openStore(folder: string): Promise<Store> {
  const path = join(folder, FILE)
  const text = (await pathKind('paper', path)) === 'absent' ? '' : (await readFileAt('paper', path)).toString()
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const lines = whole
    .split('\n')
    .slice(0, -1)
    .map((line, i) => parseLine(line, `${path}, line ${i + 1}`))
  const file = await open(path, 'a')
  await file.truncate(Buffer.byteLength(whole)).finally(() => file.close())
  return {
    find: (cell, { checkpoint, text }) =>
      lines.find((line) => isSameCell(line, cell) && line.checkpoint === checkpoint && line.text === text),
    async add(done) {
      lines.push(done)
      const file = await open(path, 'a')
      try {
        await file.write(`${JSON.stringify(done)}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
    },
  }
}

function parseLine(line: string, where: string): DoneCell {
  try {
    return doneSchema.parse(JSON.parse(line))
  } catch {
    throw new Error(`paper: expected a scored cell in ${where}, got something else; delete the line and run again`)
  }
}
