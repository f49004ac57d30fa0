// Replicas in processes of their own, through TensorFlow's runtime: they compute what one process does, and survive each other.
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { selectBackend } from '@alibi/backend'
import { readResults } from '@alibi/results/node'
import { verifyCheckpoint } from '@alibi/transformer/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decidedLines, until } from './bench-process.js'

const unprepared = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-replicas-'))
  for (const [name, length] of [
    ['text.txt', 400],
    ['long.txt', 3000],
  ] as const)
    await writeFile(join(folder, name), Array.from({ length }, (_, i) => `${i % 5} is ${i % 7}\n`).join(''))
})
afterAll(() => rm(folder, { recursive: true }))

// biome-ignore format: options and their values
const SMALL = [
  '--data', 'text.txt', '--train-length', '16', '--batch-size', '6', '--num-layers', '1', '--model-dim', '16', '--num-heads', '2',
  '--eval-lengths', '16', '--eval-tokens', '64', '--protocols', 'nonoverlapping', '--no-windowed-control', '--seeds', '1',
]

/** A command in a process of its own, without XLA, which would take longer than all steps. */
function start(...words: readonly string[]) {
  const child = spawn(process.execPath, [bench, ...words], {
    cwd: folder,
    env: { ...process.env, TF_XLA_FLAGS: '', TF_NUM_INTRAOP_THREADS: '1' },
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk) => (output[name] += chunk))
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, stderr: output.stderr })),
  )
  return { child, ended, output }
}

async function run(out: string, ...words: readonly string[]) {
  const { code, stderr } = await start('run', ...SMALL, '--out', out, ...words).ended
  expect(code, stderr).toBe(0)
  return stderr
}

/** The losses that a run has measured, in training and after it. */
async function lossesOf(out: string) {
  const { train, evals } = await readResults(join(folder, out))
  return [...train, ...evals].map((line) => line.lossNats)
}

async function expectSameLosses(out: string, of: string) {
  const [losses, wanted] = [await lossesOf(out), await lossesOf(of)]
  expect(losses).toHaveLength(wanted.length)
  for (const [i, loss] of losses.entries()) expect(Math.abs(loss - wanted[i]!), `${i}`).toBeLessThan(1e-5)
}

const CELLS = ['--strategies', 'alibi,rotary,t5-bias', '--steps', '6', '--dropout', '0.1', '--micro-batches', '2']
/** Small steps: of larger ones a hundred make more of another order of sums than 1e-5. */
const LONG = ['--strategies', 'alibi', '--steps', '300', '--checkpoint-every', '110', '--learning-rate', '1e-4']

/**
 * In batches of 4,096 tokens, the 2,000 held-out ones are 1, 2, 2 and 15 batches, some of them not whole: fewer than replicas, an odd
 * number, and enough to be read as a graph.
 */
const EVALUATIONS = [
  ...['--strategies', 'alibi,rotary,t5-bias', '--steps', '3', '--data', 'long.txt', '--eval-tokens', '2000'],
  ...['--eval-lengths', '16,256', '--protocols', 'nonoverlapping,sliding', '--stride', '8'],
]

let made: Promise<string> | undefined
/** The folder of one process's run, which is made once. */
async function alone(): Promise<string> {
  made ??= run('alone', ...EVALUATIONS, '--backend', 'tensorflow').then(() => 'alone')
  return made
}

/** A folder with the models of that run, trained and not evaluated. */
async function asTrained(out: string) {
  await cp(join(folder, await alone()), join(folder, out), { recursive: true })
  const path = join(folder, out, 'results.jsonl')
  const lines = (await readFile(path, 'utf8')).split('\n')
  await writeFile(path, lines.filter((line) => !/"type":"(eval|positions)"/.test(line)).join('\n'))
}

/** Its lines of evaluations: three strategies at two lengths, each by two protocols, with losses by place. */
async function evaluated(out: string) {
  const lines = (await decidedLines(join(folder, out))).filter(({ type }) => type !== 'train')
  expect(lines).toHaveLength(24)
  return lines
}

const resume = (out: string, replicas: string) => start('run', '--resume', '--out', out, '--replicas', replicas)

/** Ends replicas in the middle of evaluations, in three ways: the run stops with what it has done, and a line at most. */
async function expectEnds(out: string) {
  const done = async () => (await readResults(join(folder, out))).evals.length
  const stopped = /^stopped; finished work is kept\. Continue with: pnpm bench run --resume --out \S+ --replicas 2$/
  const gone = /^bench: replicas: expected all replicas, got no answer from replica 1 \([^\n]+\)$/
  for (const [signal, ended, expected] of [
    ['SIGKILL', 'follower', { code: 1, last: [stopped, gone] }],
    ['SIGTERM', 'follower', { code: 143, last: [stopped] }],
    ['SIGINT', 'leader', { code: 130, last: [stopped] }],
  ] as const) {
    const before = await done()
    const { child, ended: end } = resume(out, '2')
    await until(async () => child.exitCode !== null || (await done()) > before)
    process.kill(ended === 'leader' ? child.pid! : await childOf(child.pid!), signal)
    const killed = performance.now()
    const { code, stderr } = await end
    expect(performance.now() - killed, signal).toBeLessThan(30_000)
    expect(code, stderr).toBe(expected.code)
    const lines = stderr.trim().split('\n')
    expect(lines.slice(-expected.last.length)).toEqual(expected.last.map((line) => expect.stringMatching(line)))
    expect(lines.filter((line) => line.startsWith('bench: '))).toHaveLength(expected.last.length - 1)
    expect(await done()).toBeLessThan(12)
  }
}

describe.skipIf(unprepared)(`replicas (${unprepared ?? 'of TensorFlow'})`, () => {
  it('two have the losses of one process, for several strategies, and the same weights', async () => {
    await run('one', ...CELLS, '--backend', 'tensorflow')
    // That their weights are the same bits is looked at before each checkpoint.
    const stderr = await run('two', ...CELLS, '--replicas', '2')
    expect(stderr).toContain('2 replicas, each with its part of every batch; they talk without authentication')
    await expectSameLosses('two', 'one')
  })

  it('one that is killed stops the others with a line and a whole checkpoint; one and four go on from it', async () => {
    await run('whole', ...LONG, '--backend', 'tensorflow')
    const { child, ended } = start('run', ...SMALL, ...LONG, '--out', 'killed', '--replicas', '2')
    const trains = async () =>
      (await readFile(join(folder, 'killed/results.jsonl'), 'utf8').catch(() => '')).includes('"train"')
    while (child.exitCode === null && !(await trains())) await new Promise((resolve) => setTimeout(resolve, 20))
    process.kill(await childOf(child.pid!), 'SIGKILL')
    const killed = performance.now()
    const { code, stderr } = await ended
    expect(performance.now() - killed).toBeLessThan(30_000)
    expect(code, stderr).toBe(1)
    expect(stderr.trim().split('\n').slice(-2)).toEqual([
      expect.stringMatching(
        /^stopped; finished work is kept. Continue with: pnpm bench run --resume --out \S+ --replicas 2$/,
      ),
      expect.stringMatching(/^bench: replicas: expected all replicas, got no answer from replica 1 \([^\n]+\)$/),
    ])
    await verifyCheckpoint(join(folder, 'killed/checkpoints/alibi-seed1'))
    await cp(join(folder, 'killed'), join(folder, 'four'), { recursive: true })
    for (const [out, replicas] of [
      ['killed', '1'],
      ['four', '4'],
    ] as const) {
      const again = await start('run', '--resume', '--out', out, '--replicas', replicas).ended
      expect(again.code, again.stderr).toBe(0)
      await expectSameLosses(out, 'whole')
    }
  })

  it('four evaluate a checkpoint with the very lines of one process', async () => {
    await asTrained('divided')
    const { code, stderr } = await resume('divided', '4').ended
    expect(code, stderr).toBe(0)
    expect(await evaluated('divided')).toEqual(await evaluated(await alone()))
  })

  it('so do two that are ended in the middle of it, each way with a line at most, and go on with what is left', async () => {
    await asTrained('ended')
    await expectEnds('ended')
    const { code, stderr } = await resume('ended', '2').ended
    expect(code, stderr).toBe(0)
    expect(await evaluated('ended')).toEqual(await evaluated(await alone()))
  })

  it('refuses what replicas cannot have, in a line', async () => {
    for (const [words, message] of [
      [
        ['--replicas', '2', '--backend', 'webgpu'],
        'bench: replicas: expected --backend tensorflow, wasm or cpu, got webgpu',
      ],
      [['--cluster', 'a:1', '--replica', '1'], 'bench: replicas: expected a replica from 0 to 0, got 1'],
    ] as const) {
      const { code, stderr } = await start('run', ...SMALL, '--out', 'refused', ...words).ended
      expect(code).toBe(1)
      expect(stderr.trim()).toBe(message)
    }
  })
})

/** The process that another has started: its last replica. */
async function childOf(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return Number(children.trim().split(' ').at(-1))
}
