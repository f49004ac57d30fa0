// `pnpm kills`: kills `bench run` and `bench sweep` at random moments and resumes them. What they end with must be what an
// undisturbed one ends with: the same results in the same order, the same files, the same weights to the bit.
//     pnpm kills [--kills 100] [--seed <n>]    the same seed draws the same moments
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { seededRandom } from '@alibi/core'
import { root } from './setup.mjs'

const bench = join(root, 'apps/bench/bin/bench.js')
/** Kills of one folder before it is left to end. */
const MOST_OF_A_FOLDER = 4
/** Not decided by the seed; the commit is that of the code at the time. */
const MEASURED = ['commit', 'tokensPerSecond', 'peakBytes', 'elapsedSeconds', 'peakResidentBytes']

const size = { numLayers: 1, modelDim: 8, numHeads: 2 }
const plan = {
  strategies: ['alibi', 't5-bias'],
  trainLengths: [16],
  seeds: [1],
  sizes: [size],
  settings: {
    data: './text.txt',
    // Few words: fewer numbers in each step.
    tokenizer: 'words',
    vocabularySize: 16,
    steps: 80,
    batchSize: 2,
    checkpointEvery: 8,
    evalLengths: [16, 32],
    evalTokens: 256,
  },
}

const runOptions =
  '--strategies alibi,t5-bias --data text.txt --tokenizer words --vocabulary-size 16 --train-length 16 --batch-size 2 ' +
  '--num-layers 1 --model-dim 8 --num-heads 2 --steps 80 --checkpoint-every 8 --eval-lengths 16,32 --eval-tokens 256'

/**
 * What is killed: the words of its command, for a folder that is new or was begun.
 * @type {Readonly<Record<string, (out: string, begun: boolean) => string[]>>}
 */
const works = {
  run: (out, begun) => ['run', '--out', out, '--backend', 'cpu', ...(begun ? ['--resume'] : runOptions.split(' '))],
  sweep: (out) => ['sweep', 'plan.json', '--out', out, '--backend', 'cpu', '--jobs', '2'],
}

/**
 * Runs a command, and kills it after a while if it has not ended.
 *
 * @param {string} folder - where it starts
 * @param {readonly string[]} words
 * @param {{ readonly afterMs: number, readonly whole: boolean }} [kill] - whole: with the processes that it started
 * @returns {Promise<boolean>} whether it ended by itself
 */
function live(folder, words, kill) {
  const child = spawn(process.execPath, [bench, ...words], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const timer =
    kill && setTimeout(() => process.kill(kill.whole ? -Number(child.pid) : Number(child.pid), 'SIGKILL'), kill.afterMs)
  return new Promise((resolve, reject) => {
    // Not at the end of its streams: processes that it leaves behind have them too.
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (signal === 'SIGKILL') resolve(false)
      else if (code === 0) resolve(true)
      else reject(new Error(`kills: expected bench ${words.join(' ')} to end well, got exit code ${code}: ${stderr}`))
    })
  })
}

/**
 * The lines of a folder's results, without what was measured.
 * @param {string} folder
 */
export async function decidedLines(folder) {
  const results = await readFile(join(folder, 'results.jsonl'), 'utf8')
  return results
    .trim()
    .split('\n')
    .map((line) => JSON.stringify(JSON.parse(line, (key, value) => (MEASURED.includes(key) ? undefined : value))))
}

/**
 * All that must not depend on kills, a line each.
 * @param {string} folder
 */
async function outcome(folder) {
  const lines = await decidedLines(folder)
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    // Which figures there are is for what was measured.
    .filter((name) => !name.startsWith('figures'))
    .sort()
  const hashed = files.map(async (name) => {
    if (!name.endsWith('.safetensors')) return name
    return `${name} ${createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex')}`
  })
  return [...lines, ...(await Promise.all(hashed))]
}

/**
 * @param {{ readonly kills: number, readonly seed: number, readonly folder: string, readonly log?: (line: string) => void }} options
 * @returns {Promise<{ readonly killed: number, readonly folders: number, readonly differences: readonly string[] }>}
 */
export async function killSuite({ kills, seed, folder, log = () => {} }) {
  const random = seededRandom(seed)
  await writeFile(join(folder, 'text.txt'), Array.from({ length: 400 }, (_, i) => `${i % 5} is ${i % 7}\n`).join(''))
  await writeFile(join(folder, 'plan.json'), JSON.stringify(plan))
  const whole = []
  for (const [name, words] of Object.entries(works)) {
    const started = Date.now()
    await live(folder, words(`whole-${name}`, false))
    const ms = Date.now() - started
    whole.push({ name, words, ms, want: await outcome(join(folder, `whole-${name}`)) })
    log(`${name}: ${ms} ms undisturbed`)
  }
  let [killed, folders] = [0, 0]
  /** @type {string[]} */
  const differences = []
  while (killed < kills) {
    const { name, words, ms, want } = /** @type {(typeof whole)[0]} */ (whole[folders % whole.length])
    folders += 1
    const out = `${name}-${folders}`
    const begun = () => existsSync(join(folder, out, 'results.jsonl'))
    let ended = false
    for (let left = 1 + Math.floor(MOST_OF_A_FOLDER * random()); left > 0 && killed < kills && !ended; left--) {
      const kill = { afterMs: ms * random(), whole: random() < 0.5 }
      ended = await live(folder, words(out, begun()), kill)
      if (!ended) killed += 1
    }
    if (!ended) await live(folder, words(out, begun()))
    const got = await outcome(join(folder, out))
    const lost = want.filter((line) => !got.includes(line))
    const strange = got.filter((line) => !want.includes(line))
    if (lost.length || strange.length)
      differences.push(`${out}: lacks ${lost.join('; ') || 'nothing'}, has ${strange.join('; ') || 'nothing more'}`)
    else if (got.join('\n') !== want.join('\n')) differences.push(`${out}: its lines are in another order`)
    log(
      `${killed} of ${kills} kills, ${out} ${differences.at(-1)?.startsWith(`${out}:`) ? 'DIFFERS' : 'is as it should be'}`,
    )
    if (!differences.at(-1)?.startsWith(`${out}:`)) await rm(join(folder, out), { recursive: true })
  }
  return { killed, folders, differences }
}

const help = `Usage: pnpm kills [--kills <n>] [--seed <n>]

Kills bench run and bench sweep at random moments, resumes them, and compares
what they end with to what undisturbed ones end with.

  --kills <n>  how many (100)
  --seed <n>   the same one draws the same moments (a new one each time)
  -h, --help   this text`

/**
 * What a command line asks for.
 *
 * @param {string[]} args
 * @returns {{ kills: number, seed: number } | string} or what to print instead: the help, or what is wrong, in one line
 */
export function settingsOf(args) {
  const text = { type: /** @type {const} */ ('string') }
  const { values, positionals } = parseArgs({
    args,
    options: { kills: text, seed: text, help: { type: 'boolean', short: 'h' } },
    strict: false,
  })
  if (values.help) return help
  const { kills = '100', seed = `${Date.now() % 2 ** 31}`, ...others } = values
  const [unknown] = [...Object.keys(others).map((name) => `--${name}`), ...positionals]
  const numbers = { kills: Number(kills), seed: Number(seed) }
  const valid = [kills, seed].every((each) => /^\d+$/.test(`${each}`)) && numbers.kills > 0
  return unknown === undefined && valid
    ? numbers
    : `kills: expected --kills and --seed with whole numbers, e.g. pnpm kills --kills 100 --seed 1, got ${args.join(' ')}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const settings = settingsOf(process.argv.slice(2))
  if (typeof settings === 'string') {
    const isHelp = settings === help
    console[isHelp ? 'log' : 'error'](settings)
    process.exit(isHelp ? 0 : 2)
  }
  const { kills, seed } = settings
  const folder = await mkdtemp(join(tmpdir(), 'alibi-kills-'))
  const started = Date.now()
  console.log(`seed ${seed}, in ${folder}`)
  const { killed, folders, differences } = await killSuite({ kills, seed, folder, log: console.log })
  for (const difference of differences) console.log(difference)
  if (differences.length) process.exitCode = 1
  else await rm(folder, { recursive: true })
  console.log(
    `${killed} kills of ${folders} runs and sweeps: ${differences.length} differences; ${Math.round((Date.now() - started) / 1000)} s, seed ${seed}`,
  )
}
