import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { readResults } from '@alibi/results/node'

const program = fileURLToPath(new URL('../bin/bench.js', import.meta.url))

export interface BenchProcess {
  readonly child: ChildProcess
  /** Its exit code. */
  readonly ended: Promise<number | null>
  readonly written: { stdout: string; stderr: string }
}

/**
 * Starts the command line as a person does.
 *
 * @param environment - beside this process's own
 */
export function startBench(cwd: string, words: readonly string[], environment: NodeJS.ProcessEnv = {}): BenchProcess {
  const child = spawn(process.execPath, [program, ...words], { cwd, env: { ...process.env, ...environment } })
  const written = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk) => {
      written[name] += chunk
    })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  return { child, ended, written }
}

export async function until(what: () => unknown): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** All lines of a folder's results, but for what was measured, and the first, which says where they were made. */
export async function decidedLines(folder: string) {
  const { lines } = await readResults(folder)
  return lines.slice(1).map((line) => {
    const { tokensPerSecond, elapsedSeconds, peakResidentBytes, peakBytes, ...rest } = line as Record<string, unknown>
    return rest
  })
}
