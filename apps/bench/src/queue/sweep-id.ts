import { randomUUID } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { validate } from '@alibi/results'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { ignoringAbsence } from './absent.js'

const schema = z.object({ id: z.string().regex(/^[\da-f]+$/) })

/** By which a sweep finds its cells in a queue again; it is kept in the sweep's folder. */
export async function sweepId(folder: string): Promise<string> {
  const path = join(folder, 'queue.json')
  const text = await ignoringAbsence(() => readFile(path, 'utf8'), undefined)
  if (text !== undefined) return validate(schema, JSON.parse(text), path).id
  const id = randomUUID().replaceAll('-', '').slice(0, 12)
  await mkdir(folder, { recursive: true })
  await writeFileAtomic(path, `${JSON.stringify({ id })}\n`)
  return id
}
