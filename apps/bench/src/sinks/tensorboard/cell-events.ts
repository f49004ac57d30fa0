import { appendFile, mkdir, readdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Scalars, scalarsEvent, startEvent, versionEvent } from './event.js'
import { record } from './record.js'

const PREFIX = 'events.out.tfevents.'

const isEventFile = (name: string) => name.startsWith(PREFIX)

const now = () => Date.now() / 1000

/**
 * A file of events for one cell, beside those of earlier sessions. It begins with what there is of the cell already and takes
 * the place of all that they have: steps that were taken back are gone from TensorBoard, and none is missing.
 *
 * @returns adds events
 */
export async function openCellEvents(
  folder: string,
  before: readonly Scalars[],
): Promise<(added: readonly Scalars[]) => Promise<void>> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, await newName(folder))
  const write = (events: readonly Uint8Array[]) => appendFile(path, Buffer.concat(events.map(record)))

  let events = inOrder(before)
  const begin = () => [startEvent(now()), ...events.map(scalarsEvent)]
  await write([versionEvent(now()), ...begin()])
  return async (added) => {
    const inTurn = added.every((event) => !events.some((other) => isSeries(other, event) && other.step >= event.step))
    events = inOrder([...events, ...added])
    // TensorBoard takes a step that is not the last of its tag for one that is done again, and drops those after it.
    await write(inTurn ? added.map(scalarsEvent) : begin())
  }
}

const isSeries = (a: Scalars, b: Scalars) => a.scalars[0]!.tag === b.scalars[0]!.tag

/** By step; of those that say the same thing the last. */
const inOrder = (events: readonly Scalars[]): Scalars[] =>
  [...new Map(events.map((event) => [`${event.step} ${event.scalars[0]!.tag}`, event])).values()].sort(
    (a, b) => a.step - b.step,
  )

/** Later than the files that are there: TensorBoard reads them in the order of their names. */
async function newName(folder: string): Promise<string> {
  const times = (await readdir(folder))
    .filter(isEventFile)
    .map((name) => Number(name.slice(PREFIX.length).split('.')[0]))
  const time = Math.max(Math.floor(now()), ...times.map((each) => each + 1))
  return `${PREFIX}${time}.${hostname()}.${process.pid}`
}
