import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Part } from './part.js'

/** How long `npm start` took, with all that it downloads. */
export interface Started {
  readonly seconds: number
  /** The bench's table of perplexities, and what computed it. */
  readonly lines: readonly string[]
}

const root = fileURLToPath(new URL('../../../..', import.meta.url))
/** What TensorFlow's set-up needs and a machine may lack. */
const TOOLS = /python|pip|gcc|g\+\+|clang|^(cc|c\+\+|c89|c99)/
/** What the bench says of a run, of all that is printed. */
const TOLD = /^(backend |took |\| )/

export const npmStart: Part = part(
  'start',
  'npm start in a fresh clone of the last commit, with empty caches',
  () => process.env.PATH!,
)

export const npmStartOnWasm: Part = part(
  'start-wasm',
  'the same where there is no Python and no compiler: on WebAssembly',
  pathWithoutTools,
)

function part(name: string, what: string, pathFor: (folder: string) => string): Part {
  return {
    name,
    what,
    async run({ print }): Promise<Started> {
      const folder = await mkdtemp(join(tmpdir(), 'alibi-start-'))
      try {
        const clone = join(folder, 'clone')
        await succeed('git', ['clone', '--quiet', root, clone], { cwd: folder, log: join(folder, 'git.log') })
        const log = join(folder, 'start.log')
        const started = performance.now()
        await succeed('npm', ['start'], { cwd: clone, log, env: { ...emptyCaches(folder), PATH: pathFor(folder) } })
        const seconds = (performance.now() - started) / 1000
        const lines = readFileSync(log, 'utf8')
          .split('\n')
          .filter((line) => TOLD.test(line))
        print([...lines, '', `npm start: ${(seconds / 60).toFixed(1)} minutes`])
        return { seconds, lines }
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

/** Where npm, pnpm, pip and the project itself keep what they have downloaded. */
const emptyCaches = (folder: string) => ({
  npm_config_cache: join(folder, 'npm'),
  XDG_CACHE_HOME: join(folder, 'cache'),
  XDG_DATA_HOME: join(folder, 'data'),
})

/** A folder of all programs that PATH leads to, but for the tools. */
function pathWithoutTools(folder: string): string {
  const programs = join(folder, 'programs')
  mkdirSync(programs)
  for (const from of process.env.PATH!.split(delimiter))
    for (const name of programsIn(from))
      if (!TOOLS.test(name))
        try {
          symlinkSync(join(from, name), join(programs, name))
        } catch {
          // The first of a name counts.
        }
  return programs
}

function programsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

interface Running {
  readonly cwd: string
  /** The file of what it prints. */
  readonly log: string
  readonly env?: NodeJS.ProcessEnv
}

/** @throws Error, one line with the last that was printed, if it fails */
async function succeed(command: string, args: readonly string[], { cwd, log, env }: Running): Promise<void> {
  const output = openSync(log, 'w')
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', output, output] })
  closeSync(output)
  const [code] = await once(child, 'exit')
  if (code !== 0)
    throw new Error(
      `speed: expected ${command} ${args[0]} to succeed, got exit code ${code}: ${readFileSync(log, 'utf8').trim().split('\n').at(-1)}`,
    )
}
