import { MultiBar, Presets, type SingleBar } from 'cli-progress'
import { duration } from './format.js'
import type { Progress } from './progress.js'

/** Tells a person of several pieces of work at once, on stderr: a bar each on a terminal, plain lines elsewhere. */
export interface Board {
  /** Above the bars. */
  line(text: string): void
  /** A line for one piece of work after another. */
  task(): Progress
  /** Of all the work, below the tasks that there are. */
  total(done: number, of: number, detail: string): void
  close(): void
}

/** How often a task says in plain lines how far it is. */
const PLAIN_EVERY_MS = 15_000

export function createBoard(stream: NodeJS.WriteStream = process.stderr): Board {
  return stream.isTTY ? terminalBoard(stream) : plainBoard(stream)
}

function terminalBoard(stream: NodeJS.WriteStream): Board {
  // Narrow enough, with its details, for 80 columns.
  const format = '{label} {bar} {percentage}% {detail} {left}'
  const bars = new MultiBar(
    { format, barsize: 8, stream, hideCursor: true, linewrap: false, clearOnComplete: true },
    Presets.rect,
  )
  const empty = { label: fit(''), detail: '', left: '' }
  const line = (text: string) => void bars.log(`${text}\n`)
  let whole: SingleBar | undefined
  return {
    line,
    task() {
      const bar = bars.create(1, 0, empty)
      let clock = timeLeft(0)
      return {
        line,
        start(label, total) {
          clock = timeLeft(total)
          bar.setTotal(total)
          bar.update(0, { ...empty, label: fit(label) })
        },
        update: (done, detail) => bar.update(done, { detail, left: clock(done) }),
        stop: () => bar.update(0, empty),
      }
    },
    total(done, of, detail) {
      whole ??= bars.create(of, 0, { ...empty, label: fit('all cells') })
      whole.update(done, { detail })
    },
    close: () => bars.stop(),
  }
}

const LABEL = 30
const fit = (label: string) => (label.length > LABEL ? `${label.slice(0, LABEL - 1)}…` : label.padEnd(LABEL))

function plainBoard(stream: NodeJS.WriteStream): Board {
  const line = (text: string) => void stream.write(`${text}\n`)
  return {
    line,
    task() {
      let [label, total, shown, clock] = ['', 0, 0, timeLeft(0)]
      return {
        line,
        start(newLabel, newTotal) {
          // A task that begins its next piece of work has said enough for now.
          shown ||= Date.now()
          ;[label, total, clock] = [newLabel, newTotal, timeLeft(newTotal)]
        },
        update(done, detail) {
          if (Date.now() - shown < PLAIN_EVERY_MS) return
          shown = Date.now()
          line(`${label} ${Math.floor((100 * done) / total)}% ${detail} ${clock(done)}`)
        },
        stop() {},
      }
    },
    total: (_done, _of, detail) => line(detail),
    close() {},
  }
}

/** Says how long the rest of a piece of work that begins now will take, at the rate since then. */
function timeLeft(total: number) {
  const started = performance.now()
  let from: number | undefined
  return (done: number): string => {
    // What was done before, and is not done again, tells nothing of the rate.
    from ??= done
    if (done === from) return ''
    const seconds = ((performance.now() - started) / 1000 / (done - from)) * (total - done)
    return `${duration(seconds)} left`
  }
}
