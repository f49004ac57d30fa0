import { createInterface } from 'node:readline'
import { Interrupted } from './interrupt.js'

/** Lines that a person types, or a pipe brings. */
export interface Prompts {
  /** Whether a person reads and types. */
  readonly isTerminal: boolean
  /** One after another, to the end of the input or to Ctrl-C. */
  lines(): AsyncIterable<string>
  /**
   * Works on a line. Ctrl-C aborts the signal; a second one also ends the lines.
   *
   * @returns what the work resolves to; undefined where Ctrl-C stopped it
   */
  work<T>(doIt: (signal: AbortSignal) => Promise<T>): Promise<T | undefined>
}

/** The terminal stays in its own mode: it edits the line, and Ctrl-C is a signal as everywhere. */
export function readPrompts(mark = '> '): Prompts {
  const { stdin: input, stdout: output } = process
  const isTerminal = Boolean(input.isTTY && output.isTTY)
  let working: AbortController | undefined
  let hasLeft = false
  let close = () => {}
  process.on('SIGINT', () => {
    if (working && !working.signal.aborted) return working.abort(new Interrupted('SIGINT'))
    hasLeft = true
    process.exitCode = new Interrupted('SIGINT').exitCode
    close()
  })
  return {
    isTerminal,
    async *lines() {
      const show = (text: string) => isTerminal && output.write(text)
      const reader = createInterface({ input, terminal: false, crlfDelay: Number.POSITIVE_INFINITY })
      close = () => reader.close()
      show(mark)
      for await (const line of reader) {
        if (hasLeft) break
        yield line
        if (!hasLeft) show(mark)
      }
      show('\n')
    },
    async work(doIt) {
      const controller = new AbortController()
      working = controller
      try {
        return await doIt(controller.signal)
      } catch (error) {
        if (error !== controller.signal.reason) throw error
        return undefined
      } finally {
        working = undefined
      }
    },
  }
}
