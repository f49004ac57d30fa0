import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Results } from '@alibi/results'
import { readResults, resultsPath } from '@alibi/results/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { savedConfig } from '../src/config/saved.js'
import { sourceNames } from '../src/data/sources.js'
import { repeatPlan } from '../src/report/repeat.js'
import { trainedParameters } from '../src/report/trained-parameters.js'
import { sweepCells } from '../src/sweep/cells.js'
import { type Plan, planRuns, planSchema, readPlan } from '../src/sweep/plan.js'
import { sweepRunLine } from '../src/sweep/results.js'

const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-sweep-'))
  await writeFile(join(folder, 'text.txt'), Array.from({ length: 400 }, (_, i) => `${i} is ${i % 7}.\n`).join(''))
})
afterAll(() => rm(folder, { recursive: true }))

const tiny = {
  strategies: ['alibi', 't5-bias'],
  trainLengths: [8, 16],
  seeds: [1],
  sizes: [{ numLayers: 1, modelDim: 8, numHeads: 2 }],
  tokensPerStep: 32,
  settings: { data: './text.txt', steps: 60, checkpointEvery: 10, evalLengths: [8, 16, 32], evalTokens: 128 },
}

async function writePlan(name: string, plan: object): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, JSON.stringify(plan))
  return path
}

describe('a plan', () => {
  const read = async (text: string) => {
    const path = join(folder, 'plan.yaml')
    await writeFile(path, text)
    const plan = await readPlan(path)
    return planRuns(plan, folder)
  }

  it('is runs, one for each train length and size', async () => {
    const runs = await read(
      `
strategies: [alibi, ./mine.ts]
trainLengths: [64, 128]
seeds: [1, 2]
sizes: [{ numLayers: 1, modelDim: 8, numHeads: 2 }, { numLayers: 2, modelDim: 8, numHeads: 2 }]
tokensPerStep: 256
settings: { data: ./text.txt, evalLengths: [64, 128, 256], dropout: 0.1 }
`,
    )
    const shape = runs.map(({ numLayers, trainLength, batchSize, evalLengths }) => [
      numLayers,
      trainLength,
      batchSize,
      evalLengths,
    ])
    expect(shape).toEqual([
      [1, 64, 4, [64, 128, 256]],
      [1, 128, 2, [128, 256]],
      [2, 64, 4, [64, 128, 256]],
      [2, 128, 2, [128, 256]],
    ])
    expect(runs[0]).toMatchObject({
      strategies: ['alibi', join(folder, 'mine.ts')],
      data: join(folder, 'text.txt'),
      dropout: 0.1,
      steps: 1500,
    })
  })

  it.each([
    ['strategies: [alibi', 'expected YAML or JSON in'],
    ['strategies: [alibi]\nseeds: [1]', 'trainLengths: expected a list, got nothing'],
    ['strategies: [alibi]\nseeds: [1]\ntrainLengths: [8, 8]', 'trainLengths: expected each train length once'],
    ['strategies: [alibi]\nseeds: [1]\ntrainLengths: [8]\nsteps: 5', 'tokensPerStep, cells, settings, got steps'],
    [
      'strategies: [alibi]\nseeds: [1]\ntrainLengths: [8]\nsettings: { steps: 0 }',
      'settings.steps: expected at least 1, got 0',
    ],
    ['strategies: [alibi]\nseeds: [1]\ntrainLengths: [8]\nsettings: { seeds: [1] }', 'checkpointEvery, got seeds'],
    ['strategies: [alibi]\nseeds: [1]\ntrainLengths: [9]\ntokensPerStep: 32', 'in whole rows of every train length'],
    ['strategies: [alibi]\nseeds: [1]\ntrainLengths: [9000]', 'evaluation lengths from the train length 9000 up'],
    [
      'strategies: [alibi]\nseeds: [1]\ntrainLengths: [8]\nsizes: [{ numLayers: 1, modelDim: 9, numHeads: 2 }]',
      'heads that',
    ],
    ['stratgies: [alibi]\nseeds: [1]\ntrainLengths: [8]', 'expected one of $schema, description, preset, strategies,'],
    ['', 'expected an object, got null'],
  ])('is refused in one line: %j', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message)
    await expect(read(text)).rejects.toThrow(/^[^\n]*$/)
  })

  it.each(sourceNames)('may have %s as its text, as may the command line', async (name) => {
    const dataOf = (plan: Plan, data?: string) => planRuns(plan, folder, { data }).map((run) => run.data)
    const named = await readPlan(await writePlan('named.json', { ...tiny, settings: { ...tiny.settings, data: name } }))
    expect(dataOf(named)).toEqual([name, name])
    expect(dataOf(await readPlan(await writePlan('file.json', tiny)), name)).toEqual([name, name])
    expect(dataOf(named, `./${name}`)).toEqual([resolve(name), resolve(name)])
  })

  it('may have tasks, each trained on by itself and tried at all lengths', async () => {
    const text = (more: string) =>
      `strategies: [none]\ntrainLengths: [16, 32]\nseeds: [1]\ntasks: [copy, ./mine.ts]\nsettings: { evalLengths: [8, 32]${more} }`
    const runs = await read(text(''))
    expect(runs.map(({ data, trainLength, evalLengths }) => [data, trainLength, evalLengths])).toEqual([
      ['task:copy', 16, [8, 32]],
      ['task:copy', 32, [8, 32]],
      [`task:${join(folder, 'mine.ts')}`, 16, [8, 32]],
      [`task:${join(folder, 'mine.ts')}`, 32, [8, 32]],
    ])
    await expect(read(text(', data: ./text.txt'))).rejects.toThrow('expected tasks or data in plan, got both')
    await expect(read(text('').replace('copy', 'mine'))).rejects.toThrow('got mine twice; rename a file')
    const [one] = await read(text(', data: task:./mine.ts').replace(/tasks: .*\n/, ''))
    expect(one!.data).toBe(`task:${join(folder, 'mine.ts')}`)
  })

  it('may have strategies with options', async () => {
    const [run] = await read(
      'strategies: [alibi, { use: rotary, base: 500000, as: rotary-500k }, "t5-bias:numBuckets=16"]\ntrainLengths: [64]\nseeds: [1]',
    )
    expect(run!.strategies).toEqual(['alibi', 'rotary:base=500000:as=rotary-500k', 't5-bias:numBuckets=16'])
    await expect(read('strategies: [{ use: rotary, theta: 5 }]\ntrainLengths: [64]\nseeds: [1]')).rejects.toThrow(
      'expected an option from base, rotaryDim, pairing, scaling, factor, proportion, got theta',
    )
  })

  it('comes back from what results say of it', async () => {
    const sizes = [...tiny.sizes, { numLayers: 2, modelDim: 8, numHeads: 1 }]
    const { data, ...settings } = tiny.settings
    const tasks = { tasks: ['copy', './mine.ts'], settings }
    for (const change of [{}, { preset: 'small', sizes }, { tokensPerStep: undefined }, tasks]) {
      const plan = await readPlan(await writePlan('first.json', { ...tiny, ...change }))
      const runs = planRuns(plan, folder)
      const about = { backend: { name: 'cpu' as const, device: '' }, texts: [], versions: {}, commit: null }
      const run = sweepRunLine(plan, { runs, ...about })
      const path = join(folder, 'again.yaml')
      await writeFile(path, repeatPlan(savedConfig(run)!, run.sweep!))
      expect(planRuns(await readPlan(path), '/')).toEqual(runs)
    }
  })

  it('has a JSON schema for editors, kept in the repository', async () => {
    const kept = await readFile(new URL('../plans/plan.schema.json', import.meta.url), 'utf8')
    expect(JSON.parse(kept)).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(planSchema, { io: 'input' }))))
  })
})

describe('plans in the repository', async () => {
  const plans = fileURLToPath(new URL('../plans/', import.meta.url))
  const names = (await readdir(plans)).filter((name) => name.endsWith('.yaml'))

  it.each(names)('%s can be run, and names its schema', async (name) => {
    const text = await readFile(join(plans, name), 'utf8')
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/plan\.schema\.json\n/)
    expect(planRuns(await readPlan(join(plans, name)), plans).length).toBeGreaterThan(0)
  })
})

describe('an id', () => {
  const ids = async (change: object = {}, text = 'hash of a text', backend = 'cpu' as const) => {
    const runs = planRuns(await readPlan(await writePlan('ids.json', { ...tiny, ...change })), folder)
    return sweepCells({ runs, texts: runs.map(() => text), backend: { name: backend, device: '' } }).map(({ id }) => id)
  }

  it('says what the cell is and is its own', async () => {
    const all = await ids()
    expect(all.map((id) => id.replace(/[0-9a-f]{10}$/, ''))).toEqual([
      'alibi-L8-1x8x2-seed1-',
      't5-bias-L8-1x8x2-seed1-',
      'alibi-L16-1x8x2-seed1-',
      't5-bias-L16-1x8x2-seed1-',
    ])
    expect(new Set(all.map((id) => id.slice(-10))).size).toBe(4)
  })

  it('does not depend on the other cells, nor on where the text is', async () => {
    const all = await ids()
    expect(await ids({ strategies: ['t5-bias', 'alibi', 'rotary'], seeds: [1, 2] })).toEqual(
      expect.arrayContaining(all),
    )
    await mkdir(join(folder, 'elsewhere'), { recursive: true })
    expect(await ids({ settings: { ...tiny.settings, data: './elsewhere' } })).toEqual(all)
  })

  it('changes with whatever decides the numbers', async () => {
    const all = await ids()
    const others = [
      await ids({ settings: { ...tiny.settings, steps: 61 } }),
      await ids({ settings: { ...tiny.settings, evalTokens: 129 } }),
      await ids({}, 'hash of another text'),
      await ids({}, 'hash of a text', 'wasm' as 'cpu'),
    ]
    expect(new Set([all, ...others].flat()).size).toBe(5 * 4)
  })
})

interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts the command line as a person does; `end` resolves when it has ended. */
function start(...args: string[]) {
  const child = spawn(process.execPath, [bench, ...args], { cwd: folder })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const end = new Promise<Finished>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
  return { child, end }
}

const sweep = (plan: string, out: string, ...more: string[]) =>
  start('sweep', plan, '--backend', 'cpu', '--out', join(folder, out), '--jobs', '2', ...more)

/** All that must not depend on when the work was interrupted. */
const numbers = ({ train, evals, positions }: Results) => ({
  train: train.map(({ strategy, trainLength, step, lossNats }) => ({ strategy, trainLength, step, lossNats })),
  evals: evals.map(({ tokensPerSecond, peakBytes, ...line }) => line),
  positions,
})
const numbersOf = async (out: string) => numbers(await readResults(join(folder, out)))

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const readLoose = (path: string) => readFile(path, 'utf8').catch(() => '')

describe('sweep', () => {
  let plan: string
  beforeAll(async () => {
    plan = await writePlan('tiny.json', tiny)
    expect(await sweep(plan, 'whole').end).toMatchObject({ code: 0, stdout: expect.stringContaining('4 of 4 cells') })
  }, 60_000)

  it('has the results of every cell, in their order', async () => {
    const { run, train, evals } = await readResults(join(folder, 'whole'))
    expect(run.sweep).toEqual({ plan: 'tiny', trainLengths: [8, 16], sizes: tiny.sizes, tokensPerStep: 32 })
    expect(run.config).toMatchObject({ strategies: ['alibi', 't5-bias'], evalLengths: [8, 16, 32] })
    expect(evals.map((line) => [line.strategy, line.trainLength, line.evalLength])).toEqual([
      ...[8, 16, 32].map((length) => ['alibi', 8, length]),
      ...[8, 16, 32].map((length) => ['t5-bias', 8, length]),
      ...[16, 32].map((length) => ['alibi', 16, length]),
      ...[16, 32].map((length) => ['t5-bias', 16, length]),
    ])
    expect(train.filter(({ step }) => step === 60)).toHaveLength(4)
    expect(await readdir(join(folder, 'whole'))).toEqual(expect.arrayContaining(['report.html', 'report.md']))
    // Of the first cell's checkpoint: the report has a picture of it.
    expect([...(await trainedParameters(join(folder, 'whole'), run)).keys()]).toEqual(['t5-bias'])
  })

  it('trains and tries a task, each train length on a text of its own', async () => {
    const settings = { ...tiny.settings, data: 'passkey', steps: 2, evalLengths: [32, 64], evalTokens: 64 }
    const task = await writePlan('task.json', {
      ...tiny,
      strategies: ['alibi'],
      trainLengths: [32, 64],
      tokensPerStep: 64,
      settings,
    })
    expect(await sweep(task, 'task').end).toMatchObject({ code: 0, stdout: expect.stringContaining('2 of 2 cells') })
    const { run, retrieval } = await readResults(join(folder, 'task'))
    expect(run.config.data).toBe('passkey')
    expect(
      new Set(retrieval.map(({ task, trainLength, evalLength }) => `${task} ${trainLength} ${evalLength}`)),
    ).toEqual(new Set(['passkey 32 32', 'passkey 32 64', 'passkey 64 64']))
  })

  it('trains and tries each task of a plan, and reports them', async () => {
    const plan = await writePlan('tasks.json', {
      ...tiny,
      ...{ strategies: ['alibi'], trainLengths: [16], tasks: ['parity', 'addition'] },
      settings: { steps: 2, evalLengths: [8, 32] },
    })
    expect(await sweep(plan, 'tasks').end).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /right answers of parity by length[\s\S]*right answers of addition[\s\S]*2 of 2 cells/,
      ),
    })
    const { run, tasks } = await readResults(join(folder, 'tasks'))
    expect(run.sweep!.tasks).toEqual([
      { name: 'parity', from: 'parity' },
      { name: 'addition', from: 'addition' },
    ])
    expect(tasks.map(({ task, trainedOn, evalLength }) => [task, trainedOn, evalLength])).toEqual(
      ['parity', 'addition'].flatMap((name) => [8, 32].map((length) => [name, name, length])),
    )
    expect((await readdir(join(folder, 'tasks/figures'))).sort()).toEqual(
      expect.arrayContaining(['task-addition.svg', 'task-parity.svg', 'training-addition.svg', 'training-parity.svg']),
    )
  })

  it('does nothing again that is finished', async () => {
    const path = resultsPath(join(folder, 'whole'))
    const before = await readFile(path, 'utf8')
    const logs = async () => Promise.all((await cellFolders('whole')).map((cell) => readdir(cell)))
    const files = await logs()
    // As a machine that lost power might have left it.
    await writeFile(path, before.slice(0, -7))
    const { stdout } = await sweep(plan, 'whole', '--dry-run').end
    expect(stdout).toContain('nothing to be done')
    expect(stdout.match(/finished/g)).toHaveLength(4)
    const tensorboard = join(folder, 'tensorboard')
    expect((await sweep(plan, 'whole', '--tensorboard', tensorboard).end).code).toBe(0)
    expect(await readdir(join(tensorboard, 'whole'))).toHaveLength(4)
    expect(await readFile(path, 'utf8')).toBe(before)
    expect(await logs()).toEqual(files)
  })

  it('ends with the same results however often it is killed', async () => {
    for (const wait of [900, 1500, 1200]) {
      const { child, end } = sweep(plan, 'killed')
      await sleep(wait)
      child.kill('SIGKILL')
      await end
    }
    expect((await sweep(plan, 'killed').end).code).toBe(0)
    expect(await numbersOf('killed')).toEqual(await numbersOf('whole'))
  })

  it('stops its processes at Ctrl-C with checkpoints and says how to go on', async () => {
    const tensorboard = ['--tensorboard', join(folder, 'tensorboard')]
    const { child, end } = sweep(plan, 'stopped', ...tensorboard)
    const cells = () => readdir(join(folder, 'stopped/cells')).catch((): string[] => [])
    const begun = async () => {
      const texts = (await cells()).map((cell) => readLoose(join(folder, 'stopped/cells', cell, 'results.jsonl')))
      const all = await Promise.all(texts)
      // Both processes train: one that has not begun has nothing to save.
      return all.length > 1 && all.every((text) => text.includes('"step":'))
    }
    while (child.exitCode === null && !(await begun())) await sleep(5)
    child.kill('SIGINT')
    const { code, stderr } = await end
    expect(code).toBe(130)
    expect(stderr).toContain(
      `Continue with: pnpm bench sweep ${plan} --out ${join(folder, 'stopped')} --backend cpu --jobs 2 ${tensorboard.join(' ')}\n`,
    )
    expect(stderr).not.toContain('FAILED')
    for (const cell of await cellFolders('stopped')) expect(await readdir(cell)).toContain('checkpoints')
    expect((await sweep(plan, 'stopped', ...tensorboard).end).code).toBe(0)
    const ofCells = ['alibi-L16', 'alibi-L8', 't5-bias-L16', 't5-bias-L8'].map((name) => `${name}-1x8x2-seed1`)
    expect((await readdir(join(folder, 'tensorboard/stopped'))).sort()).toEqual(ofCells)
    expect(await numbersOf('stopped')).toEqual(await numbersOf('whole'))
  })

  it('tells which cell has failed, leaves the others alone, and does it again when asked to', async () => {
    const ids = (await sweep(plan, 'failing', '--dry-run').end).stdout.match(/(alibi|t5-bias)-L\S+/g)!
    const inTheWay = join(folder, 'failing/cells', ids[1]!, 'results.jsonl')
    await mkdir(inTheWay, { recursive: true })
    const { code, stdout, stderr } = await sweep(plan, 'failing').end
    expect(code).toBe(1)
    expect(stdout).toContain('3 of 4 cells finished')
    expect(stderr).toContain('t5-bias L8 seed1 FAILED: ')
    expect(stderr).toContain('--retry')
    await rm(inTheWay, { recursive: true })
    expect((await sweep(plan, 'failing', '--dry-run').end).stdout).toContain('nothing to be done')
    expect((await sweep(plan, 'failing', '--retry').end).code).toBe(0)
    expect(await numbersOf('failing')).toEqual(await numbersOf('whole'))
  })

  const cellFolders = async (out: string) =>
    (await readdir(join(folder, out, 'cells'))).map((cell) => join(folder, out, 'cells', cell))
})
