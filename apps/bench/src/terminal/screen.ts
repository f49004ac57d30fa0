import { createLogUpdate } from 'log-update'
import wrapAnsi from 'wrap-ansi'
import { layoutRows, type Row } from './rows.js'

/** A terminal's last rows, drawn again and again, and lines above them that stay. */
export interface Screen {
  /** Writes a line above the rows, broken between words. */
  line(text: string): void
  /** Draws the rows as they are, ten times a second at most. */
  draw(): void
  /** Draws them at once: there are others. */
  redraw(): void
}

const DRAW_EVERY_MS = 100

/** @param rows - what is going on now, from the top */
export function createScreen(stream: NodeJS.WriteStream, rows: () => readonly Row[]): Screen {
  const log = createLogUpdate(stream)
  const columns = () => stream.columns || 80
  let drawn = Number.NEGATIVE_INFINITY
  const redraw = () => {
    drawn = performance.now()
    const lines = layoutRows(rows(), columns())
    if (lines.length) return log(lines.join('\n'))
    log.clear()
    // Gives the cursor back.
    log.done()
  }
  return {
    line(text) {
      log.clear()
      stream.write(`${wrap(text, columns())}\n`)
      redraw()
    },
    draw() {
      if (performance.now() - drawn >= DRAW_EVERY_MS) redraw()
    },
    redraw,
  }
}

/** A long word, such as a path, is left to the terminal, so that it can be copied. */
const wrap = (text: string, columns: number) =>
  /^ */.exec(text)![0] + wrapAnsi(text, columns - 2, { hard: false }).replaceAll('\n', '\n  ')
