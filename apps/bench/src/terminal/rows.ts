import { percent } from './format.js'

/** What a terminal shows of one piece of work while it goes on. */
export interface Row {
  /** e.g. `alibi-seed1 at 512, 128 keys` */
  readonly label: string
  readonly done: number
  readonly total: number
  /** e.g. the loss; the most important first. */
  readonly details: readonly string[]
  /** Time that is left, or nothing. */
  readonly left: string
}

const SHORTEST_BAR = 6
const LONGEST_BAR = 24

/**
 * Rows as lines of a terminal, none longer than it is wide. What does not fit goes whole, so that nothing is cut within a
 * number: the bar first, then the time left, details from the last one, parts of the label after a comma.
 *
 * @param columns - of the terminal
 */
export function layoutRows(rows: readonly Row[], columns: number): string[] {
  // Terminals wrap in the last column, some before there is another letter.
  const width = columns - 1
  const fitted = rows.map((row) => ({ row, ...fit(row, width) }))
  const labels = Math.max(0, ...fitted.map(({ label }) => label.length))
  const rests = Math.max(0, ...fitted.map(({ rest }) => rest.length))
  const bar = Math.min(LONGEST_BAR, width - labels - rests - 2)
  return fitted.map(({ row, label, rest }) =>
    bar < SHORTEST_BAR
      ? `${label.padEnd(Math.min(labels, width - rest.length - 1))} ${rest}`
      : `${label.padEnd(labels)} ${drawBar(row, bar)} ${rest}`,
  )
}

function fit({ label, done, total, details, left }: Row, width: number): { label: string; rest: string } {
  const share = percent(done, total).padStart(4)
  const rests = [[...details, left], ...details.map((_, i) => details.slice(0, details.length - i)), []].map((parts) =>
    [share, ...parts.filter(Boolean)].join(' '),
  )
  const labels = label.split(', ').map((_, i, parts) => parts.slice(0, parts.length - i).join(', '))
  for (const shorter of labels)
    for (const rest of rests.slice(0, -1))
      if (shorter.length + 1 + rest.length <= width) return { label: shorter, rest }
  const room = Math.max(0, width - share.length - 1)
  const name = labels.at(-1)!
  return { label: name.length > room ? `${name.slice(0, Math.max(0, room - 1))}…` : name, rest: share }
}

function drawBar({ done, total }: Row, size: number): string {
  const full = total > 0 ? Math.min(size, Math.floor((size * done) / total)) : size
  return '■'.repeat(full) + ' '.repeat(size - full)
}
