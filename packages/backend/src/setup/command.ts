import { type SpawnOptions, spawn } from 'node:child_process'

export interface Finished {
  readonly code: number
  /** stdout and stderr together; empty where the terminal had them. */
  readonly output: string
}

/**
 * Runs a program to its end.
 *
 * @param visible - show its output in this terminal instead of keeping it
 * @throws Error, one line, if it is not there
 */
export function runCommand(
  program: string,
  args: readonly string[],
  { visible = false, ...options }: SpawnOptions & { visible?: boolean } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: visible ? 'inherit' : ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(new Error(error.code === 'ENOENT' ? `${program} is not installed` : `${program}: ${error.message}`)),
    )
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }))
  })
}

/** The last line of a program's output that says something: usually its error. */
export const lastLine = ({ output }: Finished): string =>
  output
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('[notice]'))
    .at(-1) ?? 'no message'
