import { fileURLToPath } from 'node:url'
import { spawn } from '@lydell/node-pty'
import xterm from '@xterm/headless'

const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))

export interface Session {
  readonly code: number
  /** Every line that was ever on the screen. */
  readonly seen: ReadonlySet<string>
  /** All lines at the end, those that were scrolled away too, without those that are empty at the end. */
  readonly lines: readonly string[]
  /** What the program wrote. */
  readonly raw: string
}

/** Runs the bench in a pseudo-terminal and looks at its screen each time that something is written. */
export async function inTerminal(columns: number, args: readonly string[], cwd: string): Promise<Session> {
  const screen = new xterm.Terminal({ cols: columns, rows: 30, scrollback: 10_000, allowProposedApi: true })
  const process_ = spawn(process.execPath, [bench, ...args], { cols: columns, rows: 30, cwd, name: 'xterm-256color' })
  const seen = new Set<string>()
  let raw = ''
  let drawn = Promise.resolve()
  const exited = new Promise<number>((resolve) => process_.onExit(({ exitCode }) => resolve(exitCode)))
  process_.onData((data) => {
    raw += data
    drawn = drawn.then(
      () =>
        new Promise((resolve) =>
          screen.write(data, () => {
            for (const line of linesOf(screen, screen.buffer.active.baseY)) seen.add(line)
            resolve()
          }),
        ),
    )
  })
  const code = await exited
  await drawn
  const lines = linesOf(screen)
  return { code, seen, lines: lines.slice(0, lines.findLastIndex(Boolean) + 1), raw }
}

/** @param from - the first line; those of the screen itself begin at baseY */
function linesOf({ buffer: { active } }: InstanceType<typeof xterm.Terminal>, from = 0): string[] {
  return Array.from({ length: active.length - from }, (_, i) => active.getLine(from + i)!.translateToString(true))
}
