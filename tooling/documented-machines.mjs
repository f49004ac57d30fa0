// `pnpm machines`: the commands of "More than one machine" in the READMEs, as they are written, on machines that have the addresses
// which are written there: network namespaces of Linux. What comes out must be what one machine has.
//     pnpm machines
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { selectBackend } from '@alibi/backend'
import { decidedLines } from './kills.mjs'
import { makeMachines, noNamespaces } from './namespaces.mjs'
import { findRedis, NO_REDIS } from './redis.mjs'
import { root } from './setup.mjs'

const READMES = ['README.md', 'apps/bench/README.md']
const SECTION = 'More than one machine'
/** The place that all machines see: here a folder of this run. */
const SHARED = '/shared/bench'
/** Machines by their addresses. */
const MACHINES = { '10.0.0.1': 'one', '10.0.0.2': 'two', '10.0.0.3': 'three' }
const [FIRST, ...OTHERS] = /** @type {[string, ...string[]]} */ (Object.values(MACHINES))
/** Between losses of replicas and of one process. */
const SAME = 1e-5
const PATIENCE_MS = 120_000

const size = { numLayers: 1, modelDim: 16, numHeads: 2 }
/** In the place of the plan that is named. */
const plan = {
  ...{ strategies: ['alibi', 't5-bias'], trainLengths: [8], seeds: [1], tokensPerStep: 16, sizes: [size] },
  settings: { data: './text.txt', steps: 20, evalLengths: [16], evalTokens: 64 },
}
const onCpu = ['--backend', 'cpu']
// biome-ignore format: options and their values
const small = [
  '--data', 'text.txt', '--train-length', '16', '--batch-size', '4', '--steps', '4', '--num-layers', '1', '--model-dim', '16',
  '--num-heads', '2', '--eval-lengths', '16', '--eval-tokens', '64', '--protocols', 'nonoverlapping', '--no-windowed-control', '--seeds', '1',
]

/** Why it cannot be done here, or undefined. */
export async function noMachines() {
  const unprepared = () =>
    selectBackend('tensorflow').then(
      () => undefined,
      (/** @type {Error} */ { message }) => message,
    )
  return noNamespaces() ?? (findRedis() ? await unprepared() : NO_REDIS)
}

/**
 * The commands of the sections, each once, without their comments.
 * @returns {Promise<string[]>}
 */
export async function documentedCommands() {
  const texts = await Promise.all(READMES.map((path) => readFile(join(root, path), 'utf8')))
  const code = texts.flatMap((text) => {
    const [section = ''] = text.split(`\n## ${SECTION}\n`)[1]?.split('\n## ') ?? []
    return [...section.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, lines = '']) => lines.split('\n'))
  })
  return [...new Set(code.map((line) => line.replace(/ +#.*/, '').trim()).filter(Boolean))]
}

/**
 * @param {{ readonly folder: string, readonly log?: (line: string) => void }} options - a new folder
 * @returns {Promise<{ readonly commands: number, readonly differences: readonly string[] }>}
 */
export async function documentedMachines({ folder, log = () => {} }) {
  const commands = await documentedCommands()
  const machines = makeMachines(Object.values(MACHINES), (i) => /** @type {string} */ (Object.keys(MACHINES)[i]))
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const bench = `${scripts.bench.replace(/^node tooling/, `${process.execPath} ${join(root, 'tooling')}`)} `
  const text = Array.from({ length: 400 }, (_, i) => `${i % 5} is ${i % 7}\n`).join('')
  for (const name of Object.values(MACHINES)) {
    await mkdir(join(folder, name, 'apps/bench/plans'), { recursive: true })
    // Workers get it from the store, with the plan; replicas need it at the same place.
    await writeFile(join(folder, name, 'text.txt'), text)
  }
  const plans = join(folder, FIRST, 'apps/bench/plans')
  await writeFile(join(plans, 'extrapolation.yaml'), JSON.stringify(plan))
  await writeFile(join(plans, 'text.txt'), text)

  /** @type {Set<import('node:child_process').ChildProcess>} */
  const running = new Set()
  /**
   * @param {string} name - of a machine
   * @param {string} command - as it is written
   * @param {readonly string[]} more - words after it
   */
  const start = (name, command, more = []) => {
    const words = [
      ...command
        .replace(/^pnpm bench /, bench)
        .replace(SHARED, join(folder, 'shared'))
        .split(' '),
      ...more,
    ]
    // A machine has a name of its own besides, by which workers are known.
    const named = ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', name, ...words]
    const [program, ...rest] = /** @type {[string, ...string[]]} */ (machines.on(name, named))
    const cwd = join(folder, name)
    // XLA would take longer than all steps.
    const env = { ...process.env, INIT_CWD: cwd, TF_XLA_FLAGS: '', TF_NUM_INTRAOP_THREADS: '1' }
    const child = spawn(program, rest, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
    /** @type {Promise<number | null>} */
    const ended = new Promise((resolve) =>
      child.on('close', (code) => {
        running.delete(child)
        resolve(code)
      }),
    )
    return {
      ended,
      said: () => said,
      /** As a terminal does it. */
      interrupt: () => process.kill(-Number(child.pid), 'SIGINT'),
      /** @param {RegExp} words @param {number} times */
      async says(words, times = 1) {
        for (let waited = 0; said.split(words).length <= times; waited += 50) {
          if (child.exitCode !== null || waited > PATIENCE_MS)
            throw new Error(`machines: expected ${command} on ${name} to say ${words}, got ${said || 'nothing'}`)
          await setTimeout(50)
        }
      },
    }
  }
  /** Runs a command to its end. @type {typeof start extends (...args: infer A) => unknown ? (...args: A) => Promise<string> : never} */
  const done = async (name, command, more) => {
    const { ended, said } = start(name, command, more)
    const code = await ended
    if (code !== 0)
      throw new Error(`machines: expected ${command} on ${name} to end well, got exit code ${code}: ${said()}`)
    return said()
  }
  const killAll = () => {
    for (const { pid } of running) process.kill(-Number(pid), 'SIGKILL')
  }
  process.on('exit', killAll)

  /** @type {string[]} */
  const differences = []
  const expectThat = (/** @type {boolean} */ isSo, /** @type {string} */ otherwise) => {
    if (!isSo) differences.push(otherwise)
  }
  /** @type {ReturnType<typeof start>[]} */
  const workers = []
  /** What is done with each command, by how it begins. @type {readonly (readonly [RegExp, (command: string) => Promise<void>])[]} */
  const ways = [
    [/^redis-server /, async (command) => start(FIRST, command).says(/Ready to accept connections/)],
    [
      /^pnpm bench worker /,
      async (command) => {
        workers.push(...OTHERS.map((name) => start(name, command, onCpu)))
        for (const worker of workers) await worker.says(/takes cells on /)
      },
    ],
    [
      /^pnpm bench sweep /,
      async (command) => {
        await done(FIRST, command, [...onCpu, '--out', 'queued'])
        await done(FIRST, command.replace(/ --queue .*/, ''), [...onCpu, '--out', 'whole'])
        const [queued, whole] = [
          await decidedLines(join(folder, FIRST, 'queued')),
          await decidedLines(join(folder, FIRST, 'whole')),
        ]
        const at = whole.findIndex((line, i) => line !== queued[i])
        expectThat(
          at < 0 && queued.length === whole.length,
          `${command}: line ${at + 1} is ${queued[at]}, on one machine ${whole[at]}`,
        )
        for (const [i, worker] of workers.entries())
          expectThat(
            / is finished\n/.test(worker.said()),
            `${command}: the worker on ${OTHERS[i]} has done no cell: ${worker.said()}`,
          )
      },
    ],
    [
      /^pnpm bench queue /,
      async (command) => {
        const said = await done(FIRST, command)
        expectThat(said.includes(`${OTHERS.length} workers on ${OTHERS.length} machines`), `${command}: says ${said}`)
      },
    ],
    [
      /^pnpm bench watch /,
      async (command) => {
        const page = start(FIRST, command)
        await page.says(/Ctrl-C ends it/)
        page.interrupt()
        await page.ended
      },
    ],
    [
      /^pnpm bench run .*--replicas \d+$/,
      async (command) => expectSame(command, [start(FIRST, command, [...small, '--out', 'replicas'])], 'replicas'),
    ],
    [
      /^pnpm bench run .*--cluster [\d.]+:/,
      async (command) => {
        const addresses = /--cluster (\S+)/.exec(command)?.[1]?.split(',') ?? []
        const replicas = addresses.map((address, i) => {
          const name = MACHINES[/** @type {keyof typeof MACHINES} */ (address.replace(/:.*/, ''))]
          // The others have the same command with their own number.
          return start(name, command, [...(i ? ['--replica', `${i}`] : []), ...small, '--out', 'cluster'])
        })
        await expectSame(command, replicas, 'cluster')
      },
    ],
  ]
  /** What one process has of all that replicas train. @type {Promise<Map<string, number>> | undefined} */
  let alone
  const trainAlone = async () => {
    const named = commands.flatMap(
      (command) => /^pnpm bench run --strategies (\S+)/.exec(command)?.[1]?.split(',') ?? [],
    )
    const command = `pnpm bench run --strategies ${[...new Set(named)]}`
    await done(FIRST, command, [...small, '--backend', 'tensorflow', '--out', 'alone'])
    return lossesOf(join(folder, FIRST, 'alone'))
  }
  /**
   * Waits for replicas, and compares their losses with one process's.
   * @param {string} command
   * @param {readonly ReturnType<typeof start>[]} replicas
   * @param {string} out
   */
  async function expectSame(command, replicas, out) {
    for (const { ended, said } of replicas)
      if ((await ended) !== 0) throw new Error(`machines: expected ${command} to end well, got ${said()}`)
    alone ??= trainAlone()
    const [got, wanted] = [await lossesOf(join(folder, FIRST, out)), await alone]
    const most = Math.max(...[...got].map(([what, loss]) => Math.abs(loss - (wanted.get(what) ?? Number.NaN))))
    log(`${got.size} losses, none further than ${most.toExponential(1)} from one process's`)
    expectThat(got.size > 0 && most < SAME, `${command}: losses ${[...got]}, of one process ${[...wanted]}`)
  }

  let count = 0
  try {
    for (const [begins, act] of ways)
      for (const command of commands.filter((each) => begins.test(each))) {
        log(command)
        await act(command)
        count += 1
      }
    for (const worker of workers) worker.interrupt()
    for (const [i, worker] of workers.entries())
      expectThat((await worker.ended) === 130, `the worker on ${OTHERS[i]} does not end by Ctrl-C: ${worker.said()}`)
    for (const command of commands)
      if (!ways.some(([begins]) => begins.test(command)) && !/^srun /.test(command))
        differences.push(`${command}: there is no way to run it here`)
  } finally {
    const rest = [...running]
    killAll()
    process.off('exit', killAll)
    await Promise.all(rest.map((child) => new Promise((resolve) => child.once('close', resolve))))
    machines.remove()
  }
  return { commands: count, differences }
}

/** The losses that a run has measured. @param {string} folder @returns {Promise<Map<string, number>>} */
async function lossesOf(folder) {
  const lines = (await readFile(join(folder, 'results.jsonl'), 'utf8')).trim().split('\n')
  const losses = lines.map((line) => JSON.parse(line)).filter(({ lossNats }) => lossNats !== undefined)
  return new Map(
    losses.map(({ type, strategy, step, evalLength, lossNats }) => [
      `${type} ${strategy} ${step ?? evalLength}`,
      lossNats,
    ]),
  )
}

const help = `Usage: pnpm machines

Runs the commands of "${SECTION}" in the READMEs as they are
written, in three network namespaces with the addresses that are written
there, with small models, and compares what comes out with one machine.
Needs root, iproute2, redis-server and TensorFlow. Commands of Slurm are
left out.`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
  const reason = values.help ? undefined : await noMachines()
  if (values.help) console.log(help)
  else if (reason) {
    console.error(`machines: ${reason}`)
    process.exitCode = 2
  } else {
    // By itself a signal would leave the namespaces.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130))
    const folder = await mkdtemp(join(tmpdir(), 'alibi-machines-'))
    const { commands, differences } = await documentedMachines({ folder, log: console.log })
    for (const difference of differences) console.log(difference)
    if (differences.length) process.exitCode = 1
    else await rm(folder, { recursive: true })
    console.log(`${commands} commands, ${differences.length} differences; in ${folder}`)
  }
}
