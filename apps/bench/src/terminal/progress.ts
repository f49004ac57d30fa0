import { MultiBar, Presets, type SingleBar } from 'cli-progress'

/** Tells a person what is going on, on stderr: bars on a terminal, plain lines elsewhere. */
export interface Progress {
  line(text: string): void
  /** Begins a piece of work; the one before it ends. */
  start(label: string, total: number): void
  /**
   * @param done - of the total
   * @param detail - e.g. the loss
   */
  update(done: number, detail: string): void
  /** Ends the piece of work, if one has begun. */
  stop(): void
}

/** How often a plain line says how far the work is. */
const PLAIN_EVERY_MS = 15_000

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? terminalProgress(stream) : plainProgress(stream)
}

function terminalProgress(stream: NodeJS.WriteStream): Progress {
  let bars: MultiBar | undefined
  let bar: SingleBar | undefined
  const stop = () => {
    bar?.update({})
    bars?.stop()
    bars = bar = undefined
  }
  return {
    line(text) {
      stop()
      stream.write(`${text}\n`)
    },
    start(label, total) {
      stop()
      // Narrow enough, with its details, for 80 columns.
      const format = '{label} {bar} {percentage}% {detail} {eta_formatted}'
      bars = new MultiBar({ format, barsize: 14, stream, hideCursor: true, linewrap: false }, Presets.rect)
      bar = bars.create(total, 0, { label: label.padEnd(22), detail: '' })
    },
    update: (done, detail) => bar?.update(done, { detail }),
    stop,
  }
}

function plainProgress(stream: NodeJS.WriteStream): Progress {
  let [label, total, shown] = ['', 0, 0]
  let last: string | undefined
  const stop = () => {
    if (last) stream.write(`${last}\n`)
    last = undefined
  }
  return {
    line(text) {
      stop()
      stream.write(`${text}\n`)
    },
    start(newLabel, newTotal) {
      stop()
      ;[label, total, shown] = [newLabel, newTotal, Date.now()]
    },
    update(done, detail) {
      last = `${label} ${Math.floor((100 * done) / total)}% ${detail}`
      if (Date.now() - shown < PLAIN_EVERY_MS) return
      shown = Date.now()
      stop()
    },
    stop,
  }
}
