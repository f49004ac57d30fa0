import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { compareResults, type EvalLine, linesOf, type Results } from '@alibi/results'
import { writeResults } from '@alibi/results/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { comparisonText } from '../src/report/comparison.js'
import { exampleResults } from './example-results.js'

const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))
const a = exampleResults()

/** With other losses. */
const withLosses = (results: Results, lossOf: (line: EvalLine) => number): Results => ({
  ...results,
  evals: results.evals.map((line) => {
    const lossNats = lossOf(line)
    return { ...line, lossNats, perplexity: Math.exp(lossNats) }
  }),
})

/** By hand: one strategy, one evaluation, a loss for each seed. */
const single = (losses: Record<number, number>, strategy = 'alibi'): Results => {
  const line = a.evals[0]!
  const evals = Object.entries(losses).map(([seed, lossNats]) => ({
    ...{ ...line, strategy, seed: Number(seed), lossNats },
    perplexity: Math.exp(lossNats),
  }))
  return { ...a, run: { ...a.run, config: { ...a.run.config, strategies: [strategy] } }, train: [], evals }
}

describe('compareResults', () => {
  it('finds nothing between a run and itself', () => {
    const { settings, perplexity, costs, onlyA, onlyB } = compareResults(a, a)
    expect([settings, onlyA, onlyB]).toEqual([[], [], []])
    // Of each strategy the lengths from the train length on: 5 and 4, by both protocols.
    expect(perplexity).toHaveLength(5 * 2 * (5 + 4))
    expect(
      perplexity.every(({ differenceNats, test, counts }) => differenceNats === 0 && test?.p === 1 && !counts),
    ).toBe(true)
    expect(costs.every((cost) => cost.a.mean === cost.b.mean)).toBe(true)
  })

  it('is scipy’s paired test where seeds match', () => {
    // scipy 1.17.1: stats.ttest_rel([1.2, 1.5, 1.1, 1.4], [1.3, 1.9, 1.2, 1.6]), as in statistics.test.ts
    const { perplexity } = compareResults(
      single({ 1: 1.3, 2: 1.9, 3: 1.2, 4: 1.6, 9: 7 }),
      single({ 4: 1.4, 3: 1.1, 2: 1.5, 1: 1.2 }),
    )
    expect(perplexity).toHaveLength(1)
    const { differenceNats, test, counts } = perplexity[0]!
    expect(differenceNats).toBeCloseTo(-0.2, 12)
    expect(test!.pairs).toBe(4)
    expect(test!.p).toBeCloseTo(0.0662756027415242, 12)
    expect(counts).toBe(false)
  })

  it('names what counts, with Holm’s correction over all differences', () => {
    const steady = (line: EvalLine) => line.lossNats + (line.strategy === 'alibi' ? -0.1 - 1e-4 * line.seed : 0)
    const { perplexity } = compareResults(a, withLosses(a, steady))
    expect([...new Set(perplexity.filter(({ counts }) => counts).map(({ of }) => of.a.strategy))]).toEqual(['alibi'])
    // Alone, its p of about 0.014 counts; as one of 90 it does not.
    const weak = (line: EvalLine) => (line === a.evals[0] ? 0 : [-0.1, -0.15, -0.12][line.seed - 1]!) + line.lossNats
    const alone = (results: Results): Results => ({
      ...results,
      evals: results.evals.filter(
        ({ strategy, trainLength, evalLength, protocol }) =>
          strategy === 'alibi' && trainLength === 256 && evalLength === 256 && protocol === 'sliding',
      ),
    })
    expect(compareResults(alone(a), alone(withLosses(a, weak))).perplexity.map(({ counts }) => counts)).toEqual([true])
    const among = withLosses(a, (line) => (alone(a).evals.includes(line) ? weak(line) : line.lossNats))
    expect(compareResults(a, among).perplexity.some(({ counts }) => counts)).toBe(false)
  })

  it('has no test without two seeds in common', () => {
    const { perplexity } = compareResults(single({ 1: 1, 2: 3 }), single({ 2: 2, 3: 9 }))
    expect(perplexity[0]).toMatchObject({ differenceNats: -1, test: undefined, counts: false })
    const apart = compareResults(single({ 1: 1, 2: 3 }), single({ 3: 4, 4: 6 }))
    expect(apart.perplexity[0]).toMatchObject({ differenceNats: 3, test: undefined })
    expect(comparisonText(apart)).toContain('Fewer than two seeds in common')
  })

  it('compares runs of one strategy each, whatever it is, and else like with like', () => {
    const [of] = compareResults(single({ 1: 1 }), single({ 1: 2 }, 'rotary')).perplexity
    expect([of!.of.a.strategy, of!.of.b.strategy]).toEqual(['alibi', 'rotary'])
    const { perplexity, onlyA, onlyB } = compareResults(a, single({ 1: 2 }, 'mine'))
    expect(perplexity).toEqual([])
    expect(onlyA).toHaveLength(10)
    expect(onlyB.map(({ strategy }) => strategy)).toEqual(['mine'])
  })

  it('tells settings that differ, and when perplexities may not compare', () => {
    const other = {
      ...a,
      run: {
        ...a.run,
        device: 'another',
        config: { ...a.run.config, steps: 7, tokenizer: 'words' as const, stride: 4 },
      },
    }
    const comparison = compareResults(a, other)
    expect(comparison.settings).toEqual([
      { name: 'tokenizer', a: 'bytes', b: 'words' },
      { name: 'steps', a: 1500, b: 7 },
      { name: 'device', a: 'a <processor> & more', b: 'another' },
      { name: 'stride', a: undefined, b: 4 },
    ])
    expect(comparisonText(comparison)).toContain('on the same tokens: tokenizer differ')
    expect(comparisonText(compareResults(a, a))).not.toContain('same tokens')
  })
})

describe('compare', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'alibi-compare-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const start = (...args: string[]) => promisify(execFile)(process.execPath, [bench, 'compare', ...args])

  it('fits 80 columns, and prints JSON', async () => {
    const folders = ['a', 'b'].map((name) => join(folder, name)) as [string, string]
    for (const each of folders) await mkdir(each)
    await writeResults(folders[0], linesOf(a))
    const exploding = withLosses(
      a,
      (line) => line.lossNats + (line.strategy === 'sinusoidal' ? 12 + line.seed / 10 : -0.01),
    )
    const description = 'a setting '.repeat(30)
    await writeResults(folders[1], linesOf({ ...exploding, run: { ...a.run, device: description } }))
    const { stdout } = await start(...folders)
    const [, , ...lines] = stdout.split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(stdout).toContain('perplexity, sliding window, stride 64; train length 256')
    expect(stdout).toMatch(/\| alibi +\| +256 \| +3\.\d+ \| +3\.\d+ \| +−1\.0 % \* \| +<0\.001 \|/)
    expect(stdout).toMatch(/\| alibi +\| +128 \| train tokens\/s \|/)
    const json = JSON.parse((await start('--json', ...folders)).stdout)
    expect(json.perplexity).toHaveLength(90)
    expect(json.perplexity[0]).toMatchObject({
      a: { bySeed: { 1: expect.any(Number) } },
      test: { pairs: 3 },
      counts: true,
    })
  })

  it.each([['nowhere'], ['.']])('says in a line what is wrong with %s', async (name) => {
    const failure = await start(join(folder, name), folder).catch((error) => error)
    expect(failure.code).toBe(1)
    expect(failure.stderr.trim().split('\n')).toEqual([expect.stringContaining('expected a folder with results.jsonl')])
  })
})
