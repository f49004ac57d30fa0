// Cells of a plan that are trained otherwise than its strategies × train lengths, or go on from another cell.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readResults } from '@alibi/results/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { savedConfig } from '../src/config/saved.js'
import { repeatPlan } from '../src/report/repeat.js'
import { sweepCells } from '../src/sweep/cells.js'
import type { CellState } from '../src/sweep/folder.js'
import { planRuns, readPlan } from '../src/sweep/plan.js'
import { createQueue } from '../src/sweep/queue.js'
import { sweepRunLine } from '../src/sweep/results.js'
import { plannedCells } from '../src/watch/sweep.js'

const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-cells-'))
  await writeFile(join(folder, 'text.txt'), Array.from({ length: 400 }, (_, i) => `${i} is ${i % 7}.\n`).join(''))
})
afterAll(() => rm(folder, { recursive: true }))

const tiny = {
  strategies: ['rotary', 'alibi'],
  trainLengths: [8],
  seeds: [1],
  sizes: [{ numLayers: 1, modelDim: 16, numHeads: 2 }],
  tokensPerStep: 64,
  settings: { data: './text.txt', steps: 6, evalLengths: [8, 32], evalTokens: 128 },
}
const cells = [
  { strategy: 'rotary', trainLength: 32, steps: 5 },
  { from: { strategy: 'rotary', trainLength: 8 }, positions: 'yarn:factor=4', steps: 0 },
  { from: { strategy: 'rotary', trainLength: 8 }, positions: { use: 'yarn', factor: 4 }, trainLength: 32, steps: 2 },
  {
    from: { strategy: 'yarn-factor-4', trainLength: 32 },
    positions: 'none',
    as: 'dropped',
    steps: 2,
    settings: { learningRate: 0.001 },
  },
]
async function planned(plan: object) {
  const path = join(folder, 'plan.json')
  await writeFile(path, JSON.stringify({ ...tiny, ...plan }))
  return readPlan(path)
}
const runsOf = async (plan: object) => planRuns(await planned(plan), folder)

describe('the cells of a plan', () => {
  it('are runs after its others, which go on from those before them', async () => {
    const runs = (await runsOf({ cells })).slice(1)
    expect(
      runs.map(({ strategies, trainLength, steps, batchSize, source }) => [
        strategies[0],
        trainLength,
        steps,
        batchSize,
        source,
      ]),
    ).toEqual([
      ['rotary', 32, 5, 2, undefined],
      ['yarn-factor-4', 8, 0, 8, { run: 0, strategy: 0, positions: 'yarn:factor=4' }],
      ['yarn-factor-4', 32, 2, 2, { run: 0, strategy: 0, positions: 'yarn:factor=4' }],
      ['dropped', 32, 2, 2, { run: 3, strategy: 0, positions: 'none', as: 'dropped' }],
    ])
    // A tenth of the preset's rate; what a cell says itself.
    expect(runs.map(({ learningRate, warmupSteps }) => [learningRate, warmupSteps])).toEqual([
      [3e-3, 100],
      [3e-4, 20],
      [3e-4, 20],
      [1e-3, 20],
    ])
    // All at the same lengths.
    for (const { evalLengths } of runs) expect(evalLengths).toEqual([8, 32])
  })

  it('come with every size and seed, from the cell of the same', async () => {
    const sizes = [...tiny.sizes, { numLayers: 2, modelDim: 16, numHeads: 2 }]
    const runs = await runsOf({ sizes, seeds: [1, 2], cells: cells.slice(1, 2) })
    expect(runs.map(({ numLayers, source }) => [numLayers, source?.run])).toEqual([
      ...[
        [1, undefined],
        [2, undefined],
      ],
      ...[
        [1, 0],
        [2, 1],
      ],
    ])
    const all = sweepCells({ runs, texts: ['', '', '', ''], backend: { name: 'cpu', device: '' } })
    for (const { key, source } of all) {
      if (source) expect(source.cell.key).toEqual({ ...key, strategy: 'rotary' })
      else expect(key.strategy).not.toContain('yarn')
    }
    expect(new Set(all.map(({ id }) => id)).size).toBe(12)
  })

  it('have ids that follow from those of the cells that they go on from', async () => {
    const idsOf = async (plan: object) => {
      const runs = await runsOf(plan)
      return sweepCells({ runs, texts: runs.map(() => ''), backend: { name: 'cpu', device: '' } }).map(({ id }) => id)
    }
    const before = await idsOf({ cells })
    expect(await idsOf({ cells })).toEqual(before)
    const after = await idsOf({ cells, settings: { ...tiny.settings, dropout: 0.1 } })
    expect(after.filter((id) => before.includes(id))).toEqual([])
  })

  it.each([
    [[{ from: 'rotary', strategy: 'alibi' }], 'expected from or strategy in each of cells, got both'],
    [[{ steps: 3 }], 'expected strategy, or from and positions, in each of cells, got neither'],
    [[{ positions: 'none' }], 'got positions without from'],
    [[{ from: 'sandwich' }], 'expected from with a cell before it, got sandwich; there are rotary at 8, alibi at 8'],
    [
      [cells[0], { from: 'rotary' }],
      'got rotary, which is trained at 8 and 32; take { strategy: rotary, trainLength: 8 }',
    ],
    [[{ strategy: 'alibi', steps: 0 }], 'steps: expected at least 1, got 0'],
    [[{ from: 'rotary', positions: 'yarn' }], 'yarnScaling: expected a finite factor'],
    [[{ from: 'rotary', settings: { data: 'x' } }], 'cells.0.settings: expected one of'],
    [[{ from: 'rotary', trainLength: 24 }], 'in whole rows of every train length, got 64 for 24'],
  ])('are refused in one line: %j', async (wrong, message) => {
    await expect(runsOf({ cells: wrong })).rejects.toThrow(message)
  })

  it('can be written as a plan again, and watched', async () => {
    const plan = await planned({ cells, sizes: [...tiny.sizes, { numLayers: 2, modelDim: 16, numHeads: 2 }] })
    const runs = planRuns(plan, folder)
    const run = sweepRunLine(plan, {
      runs,
      backend: { name: 'cpu', device: '' },
      texts: [],
      versions: {},
      commit: null,
    })
    const config = savedConfig(run)!
    const again = join(folder, 'again.yaml')
    await writeFile(again, repeatPlan(config, run.sweep!))
    expect(planRuns(await readPlan(again), '/')).toEqual(runs)
    const expected = sweepCells({ runs, texts: runs.map(() => ''), backend: { name: 'cpu', device: '' } })
    expect(
      plannedCells(run, config)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(expected.map(({ key }) => key).sort())
    for (const { key, config: watched } of plannedCells(run, config))
      expect(expected.find((cell) => JSON.stringify(cell.key) === JSON.stringify(key))!.config).toEqual(watched)
  })
})

describe('a queue of cells', () => {
  const order = async (ends: Record<string, CellState['end']>, jobs: number) => {
    const runs = await runsOf({ cells: cells.slice(1, 4) })
    const all = sweepCells({ runs, texts: runs.map(() => ''), backend: { name: 'cpu', device: '' } })
    const states = new Map(all.map((cell) => [cell, { end: undefined } as CellState]))
    const queue = createQueue(all, states, false)
    const given: string[] = []
    await Promise.all(
      Array.from({ length: jobs }, async () => {
        for (let cell = await queue.next(); cell; cell = await queue.next()) {
          const name = `${cell.key.strategy} ${cell.key.trainLength}`
          const lacks = queue.lacksSource(cell)
          given.push(lacks ? `not ${name}` : name)
          await new Promise((resolve) => setTimeout(resolve, 1))
          queue.end(cell, lacks ?? ({ end: ends[name] ?? 'finished' } as CellState))
          if (ends[name] === undefined && name in ends) return
        }
      }),
    )
    return given
  }

  it('gives each after the one that it goes on from', async () => {
    const all = ['rotary 8', 'alibi 8', 'yarn-factor-4 8', 'yarn-factor-4 32', 'dropped 32']
    expect(await order({}, 1)).toEqual(all)
    expect(await order({}, 3)).toEqual(all)
  })

  it('fails those whose source has failed', async () => {
    const failed = await order({ 'rotary 8': 'failed' }, 2)
    expect(failed.slice(2)).toEqual(['not yarn-factor-4 8', 'not yarn-factor-4 32', 'not dropped 32'])
  })
})

it('a sweep does them, once', async () => {
  await planned({ strategies: ['rotary'], cells: cells.slice(1) })
  const out = join(folder, 'out')
  const sweep = (...more: string[]) =>
    promisify(execFile)(process.execPath, [
      ...[bench, 'sweep', join(folder, 'plan.json'), '--out', out, '--jobs', '2', '--backend', 'cpu', ...more],
    ])
  expect((await sweep()).stdout).toContain('4 of 4 cells finished')
  const { run, evals, train } = await readResults(out)
  expect(run.sweep!.cells).toHaveLength(3)
  const lossOf = (strategy: string, trainLength: number) =>
    evals
      .filter((line) => line.strategy === strategy && line.trainLength === trainLength)
      .map(({ lossNats }) => lossNats)
  expect(lossOf('rotary', 8)).toHaveLength(2)
  expect(lossOf('yarn-factor-4', 8)).toHaveLength(2)
  expect(lossOf('yarn-factor-4', 32)).not.toEqual(lossOf('yarn-factor-4', 8))
  expect(lossOf('dropped', 32)).toHaveLength(2)
  expect(
    train.filter(({ strategy }) => strategy === 'yarn-factor-4').map(({ step, trainLength }) => [step, trainLength]),
  ).toEqual([
    [1, 32],
    [2, 32],
  ])
  expect(await readFile(join(out, 'report.md'), 'utf8')).toContain('dropped')
  expect((await sweep('--dry-run')).stdout).toContain('nothing to be done')
}, 120_000)
