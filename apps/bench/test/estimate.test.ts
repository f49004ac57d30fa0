import { none } from '@alibi/core'
import { createModel } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it, vi } from 'vitest'
import { runCommand } from '../src/commands/run.js'
import { modelConfig } from '../src/config/model.js'
import { resolveRunConfig } from '../src/config/resolve.js'
import type { RunConfig, RunOptions } from '../src/config/schema.js'
import { estimateRun } from '../src/experiment/estimate.js'
import { checkMemory, whatFits } from '../src/experiment/memory.js'
import { cellSeconds } from '../src/experiment/readings.js'
import { type SweepCell, sweepCells } from '../src/sweep/cells.js'
import { estimateSweep } from '../src/sweep/estimate.js'
import type { CellState } from '../src/sweep/folder.js'
import { planRuns } from '../src/sweep/plan.js'

// Dry runs measure how fast this machine is.
vi.mock('../src/experiment/estimate.js', async (original) => ({
  ...(await original<typeof import('../src/experiment/estimate.js')>()),
  productGigaflops: async () => 300,
}))

it('tells the paper’s 247 million parameters without allocating one, and what no laptop has', () => {
  const before = tf.memory().numBytes
  const { parameters, stepBytes, operations } = estimateRun(resolveRunConfig({ preset: 'paper-wt103' }))
  expect(tf.memory().numBytes).toBe(before)
  expect(Math.round(parameters / 1e6)).toBe(247)
  // Weights, velocity and gradient alone are 3 GB; the paper's GPUs held a batch of half precision in 15.
  expect(stepBytes).toBeGreaterThan(15e9)
  // Six operations a token and parameter in a product (Kaplan et al., 2020), for four strategies; the paper's blocks have
  // 201 million parameters, its head's first band 20.
  const tokens = 4 * 286_000 * 144 * 512
  expect(operations / tokens).toBeGreaterThan(6 * 221e6)
  expect(operations / tokens).toBeLessThan(6 * 221e6 * 1.25)
})

it('counts what is made', async () => {
  await tf.setBackend('cpu')
  for (const options of [{}, { preset: 'paper-small', modelDim: 32, vocabularySize: 9000 } as const]) {
    const config = resolveRunConfig({ ...options, numLayers: 2 })
    const model = createModel(modelConfig(config, config.tokenizer === 'bytes' ? 256 : 9000), none())
    expect(estimateRun(config).parameters).toBe(model.numParameters)
    model.dispose()
  }
})

it('grows with what a run asks for', () => {
  const quick = resolveRunConfig({})
  const of = (options: object) => estimateRun({ ...quick, ...options })
  const { stepBytes, operations } = of({})
  expect(of({ seeds: [1, 2] }).operations).toBe(2 * operations)
  expect(of({ batchSize: 16, steps: 750 }).operations).toBe(operations)
  // The same but for the batch itself.
  expect(of({ batchSize: 16, microBatches: 2 }).stepBytes).toBe(stepBytes + 4 * 4 * 8 * 128)
  expect(of({ batchSize: 16 }).stepBytes).toBeGreaterThan(1.2 * stepBytes)
  expect(of({ protocols: ['nonoverlapping', 'sliding'], stride: 64 }).operations).toBeGreaterThan(1.2 * operations)
})

describe('what is beyond memory is refused, with what would fit', () => {
  const memory = 24e9
  const refusal = (options: RunOptions, processes?: number) => {
    try {
      checkMemory('run', resolveRunConfig(options), memory, processes)
    } catch (error) {
      return (error as Error).message
    }
    return undefined
  }

  it.each<[RunOptions, string]>([
    [{ batchSize: 100_000_000 }, '--batch-size 381'],
    [{ batchSize: 4096 }, '--micro-batches 8'],
    [{ modelDim: 2 ** 20, numLayers: 1000 }, '--model-dim 32'],
    [{ modelDim: 2 ** 20, numHeads: 2 ** 20 }, '--model-dim (\\d+) --num-heads \\1'],
    [{ numLayers: 2 ** 20, modelDim: 64 }, '--num-layers \\d+'],
    [{ trainLength: 2e9, evalLengths: [] }, '--train-length \\d+'],
    [{ evalLengths: [128, 2e9] }, '--eval-lengths 128,\\d+'],
    [{ data: 'passkey', evalLengths: [2 ** 31 - 1] }, '--eval-lengths \\d+'],
    [{ preset: 'paper-wt103' }, '--micro-batches 144'],
  ])('%j', (options, fits) => {
    expect(refusal(options)).toMatch(
      new RegExp(`^run: expected at most the 24 GB of memory here, got about [\\d,.]+ GB, .*; ${fits}.* would fit$`),
    )
    const config = resolveRunConfig(options)
    const { stepBytes, evaluationBytes } = estimateRun({ ...config, ...whatFits(config, memory) })
    expect(Math.max(stepBytes, evaluationBytes)).toBeLessThanOrEqual(memory)
  })

  it('of all processes together', () => {
    expect(refusal({ preset: 'small' })).toBeUndefined()
    expect(refusal({ preset: 'small' }, 8)).toMatch(/which 8 processes would take; --jobs 3 would fit$/)
  })

  it.each(['quick', 'slopes', 'small', 'paper-small'] as const)('but not preset %s', (preset) =>
    expect(refusal({ preset })).toBeUndefined(),
  )

  it('and sizes that no array has, by the settings', () => {
    for (const key of ['steps', 'batchSize', 'trainLength', 'evalTokens', 'vocabularySize'] as const)
      expect(() => resolveRunConfig({ [key]: 1e15 })).toThrow(`run: ${key}: expected at most 2147483647, got`)
    expect(() => resolveRunConfig({ evalLengths: [1e15] })).toThrow('run: evalLengths.0: expected at most 2147483647')
    expect(() => resolveRunConfig({ numLayers: 1e9 })).toThrow('run: numLayers: expected at most 1048576')
  })
})

describe('the estimate of a sweep', () => {
  const plan = {
    strategies: ['alibi', 'none'],
    trainLengths: [8, 16],
    seeds: [1, 2],
    preset: 'quick',
    name: 'x',
  } as const
  const runs = planRuns({ ...plan, settings: { steps: 100, evalLengths: [16], evalTokens: 64 } } as never, '.')
  const cells = sweepCells({ runs, texts: runs.map(() => ''), backend: { name: 'cpu', device: '' } })
  const [short, long] = [8, 16].map((length) => cells.filter(({ key }) => key.trainLength === length))
  const none: ReadonlyMap<SweepCell, CellState> = new Map(cells.map((cell) => [cell, { end: undefined }]))

  it('counts the start of each process and the steps of each kind', async () => {
    const probe = { steps: [0.1, 0.3], timed: 2, start: 4 }
    const asked: RunConfig[] = []
    const { seconds, from } = await estimateSweep(none, cells, async (kinds) => {
      asked.push(...kinds)
      return probe
    })
    expect(asked.map(({ trainLength }) => trainLength)).toEqual([8, 16])
    const kinds = [short![0]!, long![0]!].map(({ config }, i) => probe.start + cellSeconds(config, probe.steps[i]!))
    expect(kinds[0]).toBeGreaterThan(4 + 100 * 0.1)
    expect(seconds).toBeCloseTo(4 * kinds[0]! + 4 * kinds[1]!, 6)
    expect(from).toBe('8 by timing a start and a few steps')
  })

  it('takes finished cells of a kind as they were, and says what was scaled', async () => {
    const results = { train: [], evals: [], positions: [], retrieval: [], tasks: [], contexts: [] } as never
    const states = new Map(none)
    for (const [i, cell] of short!.slice(0, 2).entries())
      states.set(cell, { end: 'finished', results, seconds: 10 + 2 * i })
    const left = cells.filter((cell) => states.get(cell)!.end === undefined)
    const known = await estimateSweep(
      states,
      left.filter((cell) => short!.includes(cell)),
      () => expect.unreachable(),
    )
    expect(known).toEqual({ seconds: 2 * 11, from: '2 by finished cells' })
    const both = await estimateSweep(none, cells, async () => ({ steps: [1, 2], timed: 1, start: 0 }))
    expect(both.from).toBe('8 by timing a start and a few steps of one kind of 2')
  })
})

it('says what a run takes before anything is read, and that the largest preset needs GPUs', async () => {
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await runCommand().parseAsync(['--preset', 'paper-1.3b', '--dry-run', '--backend', 'cpu'], { from: 'user' })
  const [, estimate, memory] = log.mock.calls.map(([line]) => `${line}`)
  log.mockRestore()
  // 25 blocks of 12·2048² and 13·2048, a table of 50,257·2048 and a last norm.
  const millions = Math.round((25 * (12 * 2048 ** 2 + 13 * 2048) + 50_257 * 2048 + 2 * 2048) / 1e6)
  expect(estimate).toMatch(
    new RegExp(`^${millions} million parameters a model, about [\\d,]+ GB a training step; .* days`),
  )
  expect(memory).toMatch(/^it needs GPUs: [\d,]+ GB at once/)
})

it.each([
  [['--cluster', 'a:1,b:1'], 300, 'all-reduce, 10 Gbit/s'],
  // Threads, each of which computes as fast as one.
  [['--replicas', '2'], 600, 'all-reduce, loopback'],
])('with %j predicts what two replicas do, and says so', async (words, gigaflops, column) => {
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await runCommand().parseAsync(['--dry-run', '--backend', 'cpu', ...words], { from: 'user' })
  const lines = log.mock.calls.map(([line]) => `${line}`)
  log.mockRestore()
  expect(lines[1]).toContain(`at the ${gigaflops} GFLOP/s of matrix products here`)
  expect(lines[2]).toMatch(
    `prediction for 2 devices, not measured. Assumed: each 200 GFLOP/s, 67 % of what matrix products reach here`,
  )
  expect(lines[3]).toContain(column)
  expect(lines.slice(5, 7).map((line) => line.split('|')[1]!.trim())).toEqual(['1', '2'])
})
