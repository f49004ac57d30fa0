// What `npm start` and `npm test` share: from a fresh clone to a built workspace with a prepared backend.
import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Folders of the packages that are published, sorted. */
export const published = () =>
  readdirSync(join(root, 'packages'))
    .filter((folder) => !JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')).private)
    .sort()

const windows = process.platform === 'win32'
/** As npx takes it, e.g. `pnpm@10.0.0`. */
export const pnpmVersion = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager

/**
 * Why this Node cannot be used, or undefined.
 * @param {string} version - as in `process.versions.node`
 */
export function unsupportedNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const supported = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major >= 23
  return supported ? undefined : `Node ${version} is too old: install Node 20.19 or later, 22.12 or later, or 24.`
}

/**
 * The environment for everything that is started here. glibc returns large blocks to the system at every free and
 * faults them in again at every allocation; TensorFlow's elementwise operations run 2 to 6 times faster without that,
 * but only when it is set before the process starts.
 * @param {NodeJS.ProcessEnv} inherited
 * @returns {NodeJS.ProcessEnv}
 */
export function environment(inherited) {
  const { npm_config_loglevel: _, ...rest } = inherited
  return {
    MALLOC_MMAP_THRESHOLD_: String(2 ** 32),
    MALLOC_TRIM_THRESHOLD_: String(2 ** 33),
    MALLOC_TOP_PAD_: String(2 ** 28),
    TURBO_TELEMETRY_DISABLED: '1',
    ...rest,
  }
}

/**
 * Runs a command with this terminal, and waits for it. Signals reach it: a terminal sends
 * Ctrl-C to every process itself, anything else is passed on.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [extra] - more environment variables
 * @param {string} [cwd] - default: the workspace's root
 * @param {import('node:child_process').StdioOptions} [stdio] - by default this terminal's
 * @returns {Promise<number>} the exit code; 128 + n for signal n; 127 when it could not be started
 */
export function run(command, args, extra = {}, cwd = root, stdio = 'inherit') {
  return new Promise((resolve) => {
    const env = { ...environment(process.env), ...extra }
    const child = spawn(command, args, {
      cwd,
      stdio,
      env,
      shell: windows && command !== process.execPath,
    })
    const forward = (/** @type {NodeJS.Signals} */ signal) => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    /** @type {NodeJS.Signals[]} */
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, forward)
    const finish = (/** @type {number} */ code) => {
      for (const signal of signals) process.off(signal, forward)
      resolve(code)
    }
    child.on('error', (error) => {
      console.error(`Could not start ${command}: ${error.message}`)
      finish(127)
    })
    child.on('close', (code, signal) => finish(signal ? 128 + constants.signals[signal] : (code ?? 1)))
  })
}

/**
 * A command of the pinned pnpm, which npx fetches once: nothing but Node and npm need be installed.
 * @param {...string} args
 */
export const pnpm = (...args) => run('npx', ['--yes', pnpmVersion, ...args])

/** @param {string} text */
export const step = (text) => console.log(`\n==> ${text}`)

/**
 * What `npm start -- …` is given: which build of TensorFlow, and the rest for the bench.
 * @param {readonly string[]} args
 */
export function splitArguments(args) {
  const isBuild = (/** @type {string} */ arg) => arg === '--gpu' || arg === '--no-gpu'
  return { build: args.filter(isBuild), bench: args.filter((arg) => !isBuild(arg)) }
}

/**
 * For alibi-setup-tensorflow. Whoever asks for a GPU does not want to wait for a processor.
 * @param {readonly string[]} build - `--gpu`, `--no-gpu` or neither
 */
export const tensorflowArguments = (build) => (build.includes('--gpu') ? build : ['--if-possible', ...build])

/**
 * Node's version, packages, build, TensorFlow where it can be had. Ends the process when one fails.
 * @param {readonly string[]} [build] - `--gpu` or `--no-gpu`; by default the one that is prepared, and the first time a person
 * with an NVIDIA GPU is asked
 * @param {'inherit' | 'ignore'} [stdin] - ignored, nobody is asked
 */
export async function setUp(build = [], stdin = 'inherit') {
  const problem = unsupportedNode(process.versions.node)
  if (problem) {
    console.error(problem)
    process.exit(1)
  }
  const need = async (/** @type {string} */ what, /** @type {Promise<number>} */ running) => {
    const code = await running
    if (code === 0) return
    console.error(`\n${what} failed (exit code ${code}); its message is above.`)
    process.exit(code)
  }
  step(`Installing packages (${pnpmVersion}, Node ${process.versions.node})`)
  await need('Installing', pnpm('install', '--frozen-lockfile', '--config.confirm-modules-purge=false'))
  const turbo = ['--yes', pnpmVersion, 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only']
  step('Building what prepares TensorFlow')
  await need('Building', run('npx', [...turbo, '--filter=@alibi/backend']))
  step('Preparing TensorFlow (optional), and building the rest')
  // TensorFlow's set-up has the terminal, as it may ask; what the build says comes after it. Neither is left at work when the other fails.
  const words = ['packages/backend/bin/alibi-setup-tensorflow.js', ...tensorflowArguments(build)]
  const prepared = run(process.execPath, words, {}, root, [stdin, 'inherit', 'inherit'])
  const folder = mkdtempSync(join(tmpdir(), 'alibi-build-'))
  const said = openSync(join(folder, 'said.log'), 'w')
  const built = run('npx', turbo, {}, root, ['ignore', said, said])
  await Promise.all([prepared, built])
  console.log(readFileSync(join(folder, 'said.log'), 'utf8'))
  rmSync(folder, { recursive: true })
  await need('Building', built)
  await need('Preparing TensorFlow', prepared)
}
