// The command line in this process: as fast as what it does, and nothing is started.
import { vi } from 'vitest'
import { commandLine } from '../src/commands/command-line.js'

interface Ended {
  readonly code: number
  /** Lines of both streams. */
  readonly stdout: string[]
  readonly stderr: string[]
}

/** Runs `bench` with words. Its signals are not listened to: see {@link withoutSignals}. */
export async function bench(...words: readonly string[]): Promise<Ended> {
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += chunk
      return true
    }),
  )
  const consoles = (['log', 'error'] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation((...words) => {
      written[name === 'log' ? 'stdout' : 'stderr'] += `${words.join(' ')}\n`
    }),
  )
  try {
    const code = await commandLine(words)
    const lines = (text: string) => text.split('\n').filter((line) => line !== '')
    return { code, stdout: lines(written.stdout), stderr: lines(written.stderr) }
  } finally {
    for (const spy of [...spies, ...consoles]) spy.mockRestore()
  }
}
