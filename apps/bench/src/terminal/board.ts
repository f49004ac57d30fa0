import { percent } from './format.js'
import type { Progress } from './progress.js'
import type { Row } from './rows.js'
import { createScreen } from './screen.js'
import { timeLeft } from './time-left.js'

/** Shows several pieces of work at once, on stderr: a bar each on a terminal, plain lines elsewhere. */
export interface Board {
  /** A line that stays, above the bars. */
  line(text: string): void
  /** A place for one piece of work after another. */
  task(options?: TaskOptions): Progress
  /** Shows all of the work, below the tasks. */
  total(done: number, of: number, detail: string): void
  close(): void
}

interface TaskOptions {
  /** Whether each piece of work leaves a line with its last details. Default false. */
  readonly leavesLines?: boolean
}

/** How often a task says in plain lines how far it is. */
const PLAIN_EVERY_MS = 15_000

export const createBoard = (stream: NodeJS.WriteStream = process.stderr): Board =>
  stream.isTTY ? terminalBoard(stream) : plainBoard(stream)

/** For one piece of work after another, each of which leaves a line. */
export const createProgress = (stream?: NodeJS.WriteStream): Progress => createBoard(stream).task({ leavesLines: true })

/** A piece of work that is going on. */
type Work = Row & { readonly clock: (done: number) => string }

const begin = (label: string, total: number): Work => ({
  label,
  total,
  done: 0,
  details: [],
  left: '',
  clock: timeLeft(total),
})
const advance = (work: Work, done: number, details: readonly string[]): Work => ({
  ...work,
  done,
  details,
  left: work.clock(done),
})
const lastLine = ({ label, done, total, details }: Row) => [label, percent(done, total), ...details].join(' ')

function terminalBoard(stream: NodeJS.WriteStream): Board {
  const tasks: (() => Row | undefined)[] = []
  let whole: Work | undefined
  const screen = createScreen(stream, () => [...tasks.map((row) => row()), whole].filter((row) => row !== undefined))
  return {
    line: screen.line,
    task({ leavesLines = false } = {}) {
      let work: Work | undefined
      tasks.push(() => work)
      const stop = () => {
        const ended = work
        work = undefined
        if (ended?.details.length && leavesLines) screen.line(lastLine(ended))
        else if (ended) screen.redraw()
      }
      return {
        line: screen.line,
        start(cell, what, total) {
          stop()
          work = begin(`${cell} ${what}`, total)
          screen.redraw()
        },
        update(done, details) {
          if (work) work = advance(work, done, details)
          screen.draw()
        },
        stop,
      }
    },
    total(done, of, detail) {
      whole ??= begin('all cells', of)
      whole = { ...whole, done, details: [detail] }
      screen.redraw()
    },
    close() {
      whole = undefined
      tasks.length = 0
      screen.redraw()
    },
  }
}

function plainBoard(stream: NodeJS.WriteStream): Board {
  const line = (text: string) => void stream.write(`${text}\n`)
  return {
    line,
    task({ leavesLines = false } = {}) {
      let work: Work | undefined
      let shown = 0
      const stop = () => {
        if (work?.details.length && leavesLines) line(lastLine(work))
        work = undefined
      }
      return {
        line,
        start(cell, what, total) {
          stop()
          // A task that begins its next piece of work has said enough for now.
          shown ||= Date.now()
          work = begin(`${cell} ${what}`, total)
        },
        update(done, details) {
          if (!work) return
          work = advance(work, done, details)
          if (Date.now() - shown < PLAIN_EVERY_MS) return
          shown = Date.now()
          line([lastLine(work), work.left].filter(Boolean).join(' '))
        },
        stop,
      }
    },
    total: (_done, _of, detail) => line(detail),
    close() {},
  }
}
