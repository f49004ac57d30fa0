// `pnpm kills:queue`: three workers on machines of their own do two sweeps at once, while workers and the queue are killed and
// cables taken out at random moments. What each sweep ends with must be what one machine has: every line, each once.
//     pnpm kills:queue [--kills 30] [--queue-kills 5] [--cuts 5] [--longest-cut 60] [--seed <n>]
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { seededRandom } from '@alibi/core'
import { decidedLines } from './kills.mjs'
import { makeMachines, noNamespaces } from './namespaces.mjs'
import { findRedis, NO_REDIS } from './redis.mjs'
import { root } from './setup.mjs'

const bench = join(root, 'apps/bench/bin/bench.js')
const WORKERS = ['one', 'two', 'three']
const BOARD = 'board'
const QUEUE = 'queue'
const PORT = 6379
const LOST_AFTER = 4
const RESTART_MS = 500
/** Of one board; each that finds no queue has waited for it. */
const MOST_STARTS = 30

const planOf = (/** @type {readonly string[]} */ strategies) => ({
  ...{ strategies, seeds: [1], trainLengths: [8], tokensPerStep: 16 },
  sizes: [{ numLayers: 1, modelDim: 8, numHeads: 2 }],
  settings: {
    ...{ data: './text.txt', tokenizer: 'words', vocabularySize: 16 },
    ...{ steps: 60, checkpointEvery: 5, evalLengths: [8, 16], evalTokens: 64 },
  },
})

const plans = { first: planOf(['alibi', 't5-bias']), second: planOf(['rotary', 'sinusoidal']) }

/** Why they cannot be made here, or undefined. */
export const noQueueKills = () => noNamespaces() ?? (findRedis() ? undefined : NO_REDIS)

/** @param {import('node:child_process').ChildProcess} child */
const endOf = (child) =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode)
    else child.on('exit', resolve)
  })

/**
 * @typedef {object} Counts
 * @property {number} kills - of workers
 * @property {number} queueKills
 * @property {number} cuts - of a machine's network
 * @property {number} longestCut - seconds; the shortest is 2
 * @property {number} seed
 */

/**
 * @param {Counts & { readonly folder: string, readonly log?: (line: string) => void }} options
 * @returns {Promise<{ readonly sweeps: number, readonly differences: readonly string[] }>}
 */
export async function queueKillSuite({ kills, queueKills, cuts, longestCut, seed, folder, log = () => {} }) {
  const random = seededRandom(seed)
  const pick = (/** @type {readonly string[]} */ names) =>
    /** @type {string} */ (names[Math.floor(names.length * random())])
  await writeFile(join(folder, 'text.txt'), Array.from({ length: 400 }, (_, i) => `${i % 5} is ${i % 7}\n`).join(''))
  for (const [name, plan] of Object.entries(plans)) await writeFile(join(folder, `${name}.json`), JSON.stringify(plan))

  const machines = makeMachines([...WORKERS, BOARD, QUEUE])
  const url = `redis://${machines.addressOf(QUEUE)}:${PORT}`
  /** What runs by its name, to be ended in the end. @type {Map<string, import('node:child_process').ChildProcess>} */
  const running = new Map()
  const start = (/** @type {string} */ name, /** @type {string} */ machine, /** @type {readonly string[]} */ words) => {
    const [program, ...rest] = /** @type {[string, ...string[]]} */ (machines.on(machine, words))
    // Ctrl-C is for this process alone.
    const child = spawn(program, rest, { cwd: folder, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.on('data', (text) => appendFile(join(folder, `${name}.log`), text))
    running.set(name, child)
    return child
  }
  const startQueue = () => {
    const options = { port: PORT, bind: '0.0.0.0', 'protected-mode': 'no', dir: folder, appendonly: 'yes', save: '' }
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`])
    start(QUEUE, QUEUE, [/** @type {string} */ (findRedis()), ...words])
  }
  const onQueue = ['--backend', 'cpu', '--queue', url, '--store', 'store']
  let isEnding = false
  const startWorker = (/** @type {string} */ name) => {
    const own = ['--work', `work-${name}`, '--lost-after', `${LOST_AFTER}`]
    const child = start(name, name, [process.execPath, bench, 'worker', ...onQueue, ...own])
    // One that found no queue when it began is begun again, as whoever keeps it would.
    child.on('exit', async (code) => {
      if (code !== null) await setTimeout(RESTART_MS)
      if (code !== null && !isEnding && running.get(name) === child) startWorker(name)
    })
  }
  const startSweep = (/** @type {string} */ plan, /** @type {string} */ out, /** @type {readonly string[]} */ more) =>
    start(out, BOARD, [process.execPath, bench, 'sweep', `${plan}.json`, '--out', out, ...more])
  const kill = async (/** @type {string} */ name) => {
    const child = running.get(name)
    child?.kill('SIGKILL')
    if (child) await endOf(child)
  }

  const killAll = () => {
    for (const child of running.values()) child.kill('SIGKILL')
  }
  process.on('exit', killAll)

  /** @type {Promise<void>[]} */
  const healing = []
  const cut = new Set()
  const troubles = {
    async kill() {
      const name = pick(WORKERS)
      log(`worker ${name} is killed`)
      await kill(name)
      startWorker(name)
    },
    async queueKill() {
      const seconds = 3 * random()
      log(`the queue is killed, for ${seconds.toFixed(1)} s`)
      await kill(QUEUE)
      healing.push(setTimeout(1000 * seconds).then(startQueue))
      await setTimeout(1000 * seconds)
    },
    async cut() {
      const name = pick([...WORKERS, BOARD, QUEUE].filter((each) => !cut.has(each)))
      const seconds = 2 + (longestCut - 2) * random()
      log(`the network of ${name} is cut, for ${seconds.toFixed(1)} s`)
      machines.cable(name, false)
      cut.add(name)
      healing.push(
        setTimeout(1000 * seconds).then(() => {
          machines.cable(name, true)
          cut.delete(name)
        }),
      )
    },
  }
  const left = /** @type {(keyof typeof troubles)[]} */ ([
    ...Array(kills).fill('kill'),
    ...Array(queueKills).fill('queueKill'),
    ...Array(cuts).fill('cut'),
  ])
    .map((trouble) => ({ trouble, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ trouble }) => trouble)

  /** @type {string[]} */
  const differences = []
  let sweeps = 0
  try {
    const wanted = new Map()
    const whole = async (/** @type {string} */ plan) => {
      await endOf(startSweep(plan, `whole-${plan}`, ['--backend', 'cpu']))
      wanted.set(plan, await decidedLines(join(folder, `whole-${plan}`)))
    }
    await Promise.all(Object.keys(plans).map(whole))
    log(`the sweeps of one machine are made; ${left.length} troubles to come`)
    startQueue()
    for (const name of WORKERS) startWorker(name)
    do {
      sweeps += wanted.size
      const boards = [...wanted.keys()].map((plan) => ({ plan, out: `${plan}-${sweeps}` }))
      // A board that found no queue when it began is begun again, as a person would.
      const sweepOf = async (/** @type {{ plan: string, out: string }} */ { plan, out }) => {
        for (let i = 0; i < MOST_STARTS && (await endOf(startSweep(plan, out, onQueue))) !== 0; i++)
          await setTimeout(RESTART_MS)
      }
      let isOver = false
      const over = Promise.all(boards.map(sweepOf)).then(() => {
        isOver = true
      })
      while (!isOver && left.length) {
        await Promise.race([over, setTimeout(500 + 4000 * random())])
        const next = isOver ? undefined : left.shift()
        if (next) await troubles[next]()
      }
      await over
      for (const { plan, out } of boards) {
        const got = existsSync(join(folder, out, 'results.jsonl')) ? await decidedLines(join(folder, out)) : []
        const want = wanted.get(plan)
        const at = want.findIndex((/** @type {string} */ line, /** @type {number} */ i) => line !== got[i])
        if (at >= 0 || got.length !== want.length)
          differences.push(`${out}: ${got.length} lines, expected ${want.length}; the first other one: ${got[at]}`)
      }
      log(`${sweeps} sweeps are compared, ${differences.length} differences, ${left.length} troubles to come`)
    } while (left.length)
  } finally {
    isEnding = true
    await Promise.all(healing)
    const rest = [...running.values()]
    killAll()
    process.off('exit', killAll)
    await Promise.all(rest.map(endOf))
    machines.remove()
  }
  return { sweeps, differences }
}

const defaults = { kills: 30, 'queue-kills': 5, cuts: 5, 'longest-cut': 60, seed: Date.now() % 2 ** 31 }

const help = `Usage: pnpm kills:queue [options]

Three workers in network namespaces of their own do two sweeps at once, again
and again, while workers and Redis are killed and cables are taken out. Needs
root, iproute2 and redis-server. Compares with the sweeps of one machine.

  --kills <n>        of workers (30)
  --queue-kills <n>  of Redis (5)
  --cuts <n>         of a machine's network, from 2 s up (5)
  --longest-cut <n>  seconds (60)
  --seed <n>         the same one draws the same moments (a new one each time)
  -h, --help         this text`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = /** @type {const} */ ({ type: 'string' })
  const { values } = parseArgs({
    options: {
      ...{ kills: text, 'queue-kills': text, cuts: text, 'longest-cut': text, seed: text },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const reason = noQueueKills()
  if (values.help) console.log(help)
  else if (reason) {
    console.error(`kills:queue: ${reason}`)
    process.exitCode = 2
  } else {
    const asked = /** @type {typeof defaults} */ ({ ...defaults })
    for (const name of /** @type {(keyof typeof defaults)[]} */ (Object.keys(defaults)))
      if (values[name] !== undefined) asked[name] = Number(values[name])
    const { kills, 'queue-kills': queueKills, cuts, 'longest-cut': longestCut, seed } = asked
    // By itself a signal would leave the namespaces.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130))
    const folder = await mkdtemp(join(tmpdir(), 'alibi-queue-kills-'))
    const started = Date.now()
    const log = (/** @type {string} */ line) => console.log(`${Math.round((Date.now() - started) / 1000)} s: ${line}`)
    log(`seed ${seed}, in ${folder}`)
    const { sweeps, differences } = await queueKillSuite({ kills, queueKills, cuts, longestCut, seed, folder, log })
    for (const difference of differences) console.log(difference)
    if (differences.length) process.exitCode = 1
    else await rm(folder, { recursive: true })
    log(
      `${kills} kills of workers, ${queueKills} of Redis, ${cuts} cuts, ${sweeps} sweeps: ${differences.length} differences; seed ${seed}`,
    )
  }
}
