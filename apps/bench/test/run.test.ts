import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EvalLine, Reading } from '@alibi/results'
import { readResults } from '@alibi/results/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The command line as a person starts it, built by `npm test` before the tests.
const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))

interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const start = (...args: string[]) =>
  new Promise<Finished>((resolve) => {
    execFile(process.execPath, [bench, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })

let folder: string
let text: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-bench-'))
  text = join(folder, 'text.txt')
  await writeFile(text, Array.from({ length: 800 }, (_, i) => `${i} times ${i % 7} is ${i * (i % 7)}.\n`).join(''))
})
afterAll(() => rm(folder, { recursive: true }))

/** Small enough for the cpu backend. */
const tiny = (out: string, ...more: string[]) => [
  ...['run', '--data', text, '--backend', 'cpu', '--out', join(folder, out), '--strategies', 'alibi,learned'],
  ...['--num-layers', '1', '--model-dim', '8', '--num-heads', '2', '--batch-size', '2', '--train-length', '16'],
  ...['--steps', '120', '--eval-lengths', '16,32', '--eval-tokens', '256'],
  ...['--protocols', 'nonoverlapping,sliding', '--stride', '8', '--windowed-control', ...more],
]

/** All that must not depend on when the work was interrupted. */
async function numbers(out: string) {
  const { train, evals, positions } = await readResults(join(folder, out))
  return {
    positions,
    train: train.map(({ strategy, step, lossNats }) => ({ strategy, step, lossNats })),
    evals: evals.map(({ tokensPerSecond, peakBytes, ...line }) => line),
  }
}

/** Ends a run as soon as its results have a text. */
async function killAt(needle: string, out: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [bench, ...args])
  const has = async () => (await readFile(join(folder, out, 'results.jsonl'), 'utf8').catch(() => '')).includes(needle)
  while (child.exitCode === null && !(await has())) await new Promise((resolve) => setTimeout(resolve, 5))
  child.kill('SIGKILL')
}

describe('run', () => {
  it('trains, evaluates, reports', async () => {
    const { code, stdout, stderr } = await start(...tiny('whole'))
    expect(stderr).toContain('learned-seed1 has no positions beyond 16: not evaluated at 32; 32, 16 keys')
    expect(code).toBe(0)
    expect(stdout).toMatch(/\| strategy \| 1× \(16\) \| 2× \(32\) \| train tokens\/s \|/)
    expect((await readdir(join(folder, 'whole'))).sort()).toEqual([
      'checkpoints',
      'figures',
      'report.html',
      'report.md',
      'results.jsonl',
    ])
    const { train, evals, positions } = await numbers('whole')
    const reading = (line: Pick<EvalLine, 'strategy' | keyof Reading>) => [
      line.strategy,
      line.protocol,
      line.evalLength,
      line.attentionWindow,
    ]
    expect(evals.map(reading)).toEqual([
      ['alibi', 'nonoverlapping', 16, undefined],
      ['alibi', 'nonoverlapping', 32, undefined],
      ['alibi', 'nonoverlapping', 32, 16],
      ['alibi', 'sliding', 16, undefined],
      ['alibi', 'sliding', 32, undefined],
      ['alibi', 'sliding', 32, 16],
      ['learned', 'nonoverlapping', 16, undefined],
      ['learned', 'sliding', 16, undefined],
    ])
    expect(positions.map(reading)).toEqual(evals.map(reading))
    for (const [i, { bins }] of positions.entries()) {
      expect(bins.reduce((sum, bin) => sum + bin.tokens, 0)).toBe(256)
      expect(bins.reduce((sum, bin) => sum + bin.tokens * bin.lossNats, 0) / 256).toBeCloseTo(evals[i]!.lossNats, 6)
    }
    expect(new Set(evals.map((line) => line.lossNats)).size).toBe(evals.length)
    expect(train.at(-1)!.lossNats).toBeLessThan(train[0]!.lossNats)
  })

  it('goes on after kill -9 with the numbers of an uninterrupted run', async () => {
    const tensorboard = ['--tensorboard', join(folder, 'tensorboard')]
    // As soon as there is a checkpoint to go on from, and once more later.
    await killAt('"step":104', 'killed', tiny('killed', ...tensorboard))
    const later = '"strategy":"learned","trainLength":16,"seed":1,"size":"1x8x2","step":50'
    await killAt(later, 'killed', tiny('killed', '--resume', ...tensorboard))
    await start('run', '--resume', '--out', join(folder, 'killed'), ...tensorboard)
    expect(await numbers('killed')).toEqual(await numbers('whole'))
    // A file of events each time, for each cell that had begun.
    const events = (cell: string) => readdir(join(folder, 'tensorboard/killed', cell))
    expect(await events('alibi-L16-1x8x2-seed1')).toHaveLength(3)
    expect(await events('learned-L16-1x8x2-seed1')).toHaveLength(2)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('stops at %s with a checkpoint and says how to go on', async (signal, exitCode) => {
    const out = `stopped-${signal}`
    const child = spawn(process.execPath, [bench, ...tiny(out)])
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const closed = new Promise<number | null>((resolve) => {
      child.on('close', resolve)
    })
    while (!(await readdir(join(folder, out)).catch((): string[] => [])).includes('results.jsonl'))
      await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 150))
    child.kill(signal)
    expect(await closed).toBe(exitCode)
    expect(stderr).toContain(
      `stopped; finished work is kept. Continue with: pnpm bench run --resume --out ${join(folder, out)}\n`,
    )
    expect(stderr).not.toContain('    at ')
    await start('run', '--resume', '--out', join(folder, out))
    expect(await numbers(out)).toEqual(await numbers('whole'))
  })

  it('refuses other options than the run was begun with, and a folder in use', async () => {
    expect(await start(...tiny('whole'))).toMatchObject({ code: 1, stderr: expect.stringContaining('add --resume') })
    const other = await start(...tiny('whole', '--steps', '50', '--resume'))
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('got steps 50 instead of 120') })
    const nothing = await start(...tiny('nothing-there', '--resume'))
    expect(nothing).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^bench: run: expected a run to resume in .*, got none; .*\n$/),
    })
  })
})

describe('train', () => {
  it('goes on after kill -9, and keeps no line of steps that are done again', async () => {
    const [, ...options] = tiny('alone').filter((_, i, all) => ![all[i], all[i - 1]].includes('--strategies'))
    const own = options.slice(0, options.indexOf('--eval-lengths'))
    await killAt('"step":104', 'alone', ['train', ...own])
    expect(await start('train', '--resume', '--out', join(folder, 'alone'))).toMatchObject({ code: 0 })
    const ofAlibi = (await numbers('whole')).train.filter((line) => line.strategy === 'alibi')
    expect((await numbers('alone')).train).toEqual(ofAlibi)
  })
})

describe('a task', () => {
  it('is made up, trained on and tried', async () => {
    const options = ['--data', 'copy', '--steps', '10', '--protocols', 'nonoverlapping']
    expect((await start(...tiny('task', ...options))).stderr).toContain('text copy, made up, at distances from 5 to 8')
    const { retrieval } = await readResults(join(folder, 'task'))
    expect(retrieval.map((line) => [line.strategy, line.task, line.evalLength, line.distance, line.trials])).toEqual([
      ['alibi', 'copy', 16, 8, 50],
      ['alibi', 'copy', 32, 16, 50],
      ['learned', 'copy', 16, 8, 50],
    ])
  })
})

describe('random positions', () => {
  const options = [
    '--strategies',
    'sinusoidal',
    '--steps',
    '20',
    '--protocols',
    'nonoverlapping',
    '--random-positions',
    '64',
  ]

  it('train another model, whose checkpoint evaluates to the same loss', async () => {
    const { stderr } = await start(...tiny('drawn', ...options))
    // Drawn positions are no reason.
    expect(stderr).toContain('steps run op by op: the cpu backend runs op by op')
    await start(...tiny('in-place', ...options.slice(0, -2)))
    const [drawn, inPlace] = [await numbers('drawn'), await numbers('in-place')]
    expect(drawn.train.at(-1)!.lossNats).not.toBe(inPlace.train.at(-1)!.lossNats)
    const checkpoint = join(folder, 'drawn/checkpoints/sinusoidal-seed1')
    const read = ['--backend', 'cpu', '--eval-lengths', '32', '--eval-tokens', '256']
    const again = JSON.parse((await start('eval', checkpoint, ...read)).stdout)
    expect(again.lossNats).toBe(drawn.evals.find((line) => line.evalLength === 32)!.lossNats)
  })
})

describe('a checkpoint', () => {
  const checkpoint = () => join(folder, 'whole/checkpoints/alibi-seed1')

  it('evaluates to the same loss, by either protocol', async () => {
    const options = ['--backend', 'cpu', '--eval-lengths', '32', '--eval-tokens', '256']
    const again = await start('eval', checkpoint(), ...options)
    const whole = (await numbers('whole')).evals.find((line) => line.strategy === 'alibi' && line.evalLength === 32)
    expect(JSON.parse(again.stdout)).toMatchObject({ ...whole, protocol: 'nonoverlapping', stride: 32 })
    const sliding = await start('eval', checkpoint(), ...options, '--protocol', 'sliding', '--stride', '8')
    expect(JSON.parse(sliding.stdout)).toMatchObject({ tokens: 256, protocol: 'sliding', stride: 8 })
    expect(JSON.parse(sliding.stdout).lossNats).not.toBe(whole!.lossNats)
  })

  it('generates the same text from the same seed', async () => {
    const generate = () =>
      start('generate', checkpoint(), '--backend', 'cpu', '--prompt', '12', '--max-new-tokens', '9')
    const { stdout } = await generate()
    expect(stdout).toMatch(/^12/)
    expect((await generate()).stdout).toBe(stdout)
  })

  it('stops generating at Ctrl-C, though its backend never waits', async () => {
    const options = ['--backend', 'cpu', '--prompt', '12', '--max-new-tokens', '1000000']
    const child = spawn(process.execPath, [bench, 'generate', checkpoint(), ...options])
    const closed = new Promise<number | null>((resolve) => {
      child.on('close', resolve)
    })
    child.stdout.once('data', () => child.kill('SIGINT'))
    expect(await closed).toBe(130)
  })

  it('is refused when it is damaged, a whole run, or asked for what cannot be', async () => {
    const damaged = join(folder, 'damaged')
    await cp(checkpoint(), damaged, { recursive: true })
    await writeFile(join(damaged, 'weights.safetensors'), 'x')
    expect(await start('eval', damaged, '--backend', 'cpu')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('damaged'),
    })
    expect((await start('eval', join(folder, 'whole'))).stderr).toContain(`take ${checkpoint()} or `)
    const wrong = await start('eval', checkpoint(), '--eval-lengths', '16,-4')
    expect(wrong).toMatchObject({ stdout: '', stderr: 'bench: eval: evalLengths.1: expected at least 1, got -4\n' })
  })
})

describe('errors are one clear line and a non-zero exit', () => {
  it.each([
    [['run', '--stepz', '5'], 'Did you mean --steps'],
    [['runn'], 'Did you mean run'],
    [['run', '--strategies', 'albi'], 'unknown strategy albi; known: alibi, sinusoidal'],
    [['run', '--steps', 'many'], 'expected a number'],
    [['run', '--data', 'no-such-file'], 'which is not there'],
    [['run', '--num-heads', '3'], 'heads that divide the model dimension 128'],
    [['run', '--backend', 'cuda'], '--backend: expected one of auto'],
    [['eval', 'no-such-folder'], 'got no-such-folder, which is not there'],
    [['report', 'no-such-folder'], 'got no-such-folder, which is not there'],
    [['report', bench], 'which is a file'],
  ])('%j', async (args, message) => {
    const { code, stderr } = await start(...args, ...(args[0] === 'run' ? ['--out', join(folder, 'unused')] : []))
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(1)
  })

  it('a text shorter than the lengths', async () => {
    const { code, stderr } = await start(...tiny('short', '--train-length', '99999'))
    expect(stderr).toContain('for train length 99999')
    expect(code).toBe(1)
  })
})
