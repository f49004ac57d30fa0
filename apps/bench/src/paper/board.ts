import type { PaperCell, Part } from './cells.js'
import { checkpointMark, type Files, textMark } from './files.js'
import type { Pace } from './pace.js'
import type { DoneCell, Store } from './store.js'
import type { PaperCellState } from './tables.js'

/** What is done and what is left. */
export interface PaperBoard {
  stateOf(cell: PaperCell): PaperCellState
  /** Whether a cell can be scored and is not yet. */
  isDue(cell: PaperCell): boolean
  add(cell: PaperCell, done: Omit<DoneCell, 'checkpoint' | 'text'>): Promise<void>
  /** From now on it is known how long cells take; what was scored since corrects it. */
  usePace(pace: Pace): void
}

/** Follows the cells of these checkpoints and texts. */
export async function createBoard(
  { checkpoints }: Files,
  texts: ReadonlyMap<Part, Uint8Array>,
  store: Store,
): Promise<PaperBoard> {
  const marks = new Map<number, string>()
  for (const [trainLength, path] of checkpoints) marks.set(trainLength, await checkpointMark(path))
  const textMarks = new Map([...texts].map(([part, text]) => [part, textMark(text)]))
  const tokens = new Map([...texts].map(([part, text]) => [part, countTokens(text)]))
  let pace: Pace | undefined
  let [expected, taken] = [0, 0]

  const secondsOf = (cell: PaperCell) => pace?.(cell, tokens.get(cell.part)!)
  const marksOf = ({ trainLength, part }: PaperCell) => ({
    checkpoint: marks.get(trainLength) ?? '',
    text: textMarks.get(part)!,
  })
  const find = (cell: PaperCell) => store.find(cell, marksOf(cell))
  return {
    stateOf(cell) {
      const done = find(cell)
      if (done) return { ours: done.perplexity }
      if (!checkpoints.has(cell.trainLength)) return { isMissing: true }
      const seconds = secondsOf(cell)
      return { seconds: seconds !== undefined && expected ? (seconds * taken) / expected : seconds }
    },
    isDue: (cell) => checkpoints.has(cell.trainLength) && !find(cell),
    async add(cell, done) {
      expected += secondsOf(cell) ?? 0
      taken += done.seconds
      await store.add({ ...done, ...marksOf(cell) })
    },
    usePace(measured) {
      pace = measured
    },
  }
}

/** Words and ends of lines. */
const countTokens = (text: Uint8Array) =>
  Buffer.from(text)
    .toString('latin1')
    .match(/[^\s]+|\n/g)?.length ?? 0
