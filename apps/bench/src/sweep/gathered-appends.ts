import type { ResultLine } from '@alibi/results'
import { appendResults } from '@alibi/results/node'

/**
 * Adds lines to a folder's results. What comes while others are being written is written together after them, whole: one wait
 * for the disk serves all of it. A line that a kill cuts off is at the end of the file.
 */
export function gatheredAppends(folder: string): (lines: readonly ResultLine[]) => Promise<void> {
  let gathered: ResultLine[] = []
  let next: Promise<void> | undefined
  let last: Promise<void> = Promise.resolve()
  return (lines) => {
    gathered.push(...lines)
    if (next) return next
    const written = last.then(async () => {
      const all = gathered
      gathered = []
      next = undefined
      await appendResults(folder, ...all)
    })
    next = written
    // Those whose lines were not written hear so; others may still be.
    last = written.catch(() => {})
    return written
  }
}
