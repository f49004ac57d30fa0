// Strategies whose values are not finite, in training and in evaluation: the other cells of the run carry on.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { selectBackend } from '@alibi/backend'
import type { PositionStrategy } from '@alibi/core'
import { linesOf } from '@alibi/results'
import { readResults, resultsPath, writeResults } from '@alibi/results/node'
import { builtInStrategies } from '@alibi/strategies'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolveRunConfig } from '../src/config/resolve.js'
import { readCorpus } from '../src/data/corpus.js'
import { runExperiment } from '../src/experiment/experiment.js'
import { markdownReport } from '../src/report/markdown.js'
import { openResults } from '../src/run-folder/append.js'

/** ALiBi, but NaN at one distance. */
const nanAt =
  (distance: number) =>
  ({ numHeads }: { numHeads: number }): PositionStrategy => ({
    specVersion: 1,
    name: `nan-${distance}`,
    bias: {
      kind: 'distance',
      numHeads,
      evaluate: (ops, _parameters, distances) =>
        ops.tensor(
          Float64Array.from({ length: numHeads * distances.length }, (_, i) => {
            const d = Math.abs(distances[i % distances.length]!)
            return d === distance ? Number.NaN : -d
          }),
          [numHeads, distances.length],
        ),
    },
  })

const registry = [3, 20].reduce((all, distance) => all.with(`nan-${distance}`, nanAt(distance)), builtInStrategies)
const signal = new AbortController().signal
const said: string[] = []
const log = (line: string) => said.push(line)
const progress = { line: log, start() {}, update() {}, stop() {} }

let folder: string
beforeAll(async () => {
  await selectBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'alibi-diverged-'))
  await writeFile(join(folder, 'text.txt'), 'The quick brown fox jumps over the lazy dog. '.repeat(100))
})
afterAll(() => rm(folder, { recursive: true }))

const config = () =>
  resolveRunConfig({
    ...{ strategies: ['nan-3', 'alibi', 'nan-20'], seeds: [1], data: join(folder, 'text.txt'), steps: 4 },
    ...{ trainLength: 16, evalLengths: [16, 32], evalTokens: 64, batchSize: 2, checkpointEvery: 2 },
    ...{ numLayers: 1, modelDim: 8, numHeads: 2 },
  })

async function go(): Promise<Awaited<ReturnType<typeof runExperiment>>> {
  const corpus = await readCorpus(config(), { log: () => {}, signal })
  const append = await openResults(folder, config(), { log })
  return runExperiment({ config: config(), registry, corpus, folder, append, progress, signal })
}

describe('a run with strategies that are not finite', () => {
  it('trains and evaluates the others, and says which stopped where, and why', async () => {
    const about = { seed: 1, backend: 'cpu', device: 'a processor', versions: {}, commit: null }
    await writeResults(folder, [{ type: 'run', schemaVersion: 1, config: config(), ...about }])
    const { results, stopped } = await go()
    expect(stopped).toEqual([
      'train: expected a finite loss, got NaN at step 1 of nan-3-seed1; no step was taken before: look at what the strategy computes, and at its starting values',
    ])
    expect(results.train.filter(({ strategy }) => strategy === 'nan-3')).toMatchObject([
      { step: 1, lossNats: Number.NaN },
    ])
    const losses = (name: string) => results.evals.filter(({ strategy }) => strategy === name).map((e) => e.lossNats)
    expect(losses('nan-3')).toEqual([])
    expect(losses('alibi').every(Number.isFinite)).toBe(true)
    expect(losses('nan-20').map(Number.isFinite)).toEqual([true, false])
    expect(markdownReport(results)).toMatch(
      /\| alibi +\| +[\d.]+ \| +[\d.]+ \|.*\n\| nan-20 +\| +[\d.]+ \| not finite \|/,
    )
  })

  it('goes on: only what stopped is tried again, from its last checkpoint, and the lines are the same in the same order', async () => {
    const before = await readResults(folder)
    const { stopped } = await go()
    expect(stopped).toHaveLength(1)
    const after = await readResults(folder)
    const times = new Set(['tokensPerSecond', 'elapsedSeconds', 'peakResidentBytes'])
    const plain = (lines: readonly object[]) =>
      lines.map((line) => Object.fromEntries(Object.entries(line).filter(([key]) => !times.has(key))))
    const ofOthers = ({ lines }: typeof before) =>
      plain(lines.filter((line) => !('strategy' in line && line.strategy === 'nan-3')))
    expect(ofOthers(after)).toEqual(ofOthers(before))
    expect(after.lines).toHaveLength(before.lines.length)
  })
})

describe('going on with results that were changed', () => {
  const changed = async (change: (text: string) => string) => {
    const whole = await readFile(resultsPath(folder), 'utf8')
    await writeFile(resultsPath(folder), change(whole))
    said.length = 0
    return () => writeFile(resultsPath(folder), whole)
  }

  it('says how many training lines are lacking', async () => {
    const restore = await changed((text) => text.replaceAll(/^.*"type":"train","strategy":"alibi".*\n/gm, ''))
    await openResults(folder, config(), { log })
    expect(said).toEqual([
      expect.stringMatching(/results.jsonl lacks 4 training lines of alibi-seed1, .* are not made again$/),
    ])
    await restore()
  })

  it('says what was left out at the end, and keeps the order of lines and what is not known', async () => {
    const restore = await changed((text) => `${text}{"type":"energy","joules":1}\n{"type":"ev`)
    const { lines } = await readResults(folder)
    await openResults(folder, config(), { log })
    expect(said).toContainEqual(expect.stringMatching(/results.jsonl: line \d+ is left out: no whole JSON object/))
    // The line of the cell that stopped is of a step without a checkpoint.
    const kept = lines.filter((line) => !('strategy' in line && line.strategy === 'nan-3'))
    expect((await readResults(folder)).lines).toEqual(kept)
    await restore()
  })

  it('refuses other steps, another learning rate, and lines of other seeds', async () => {
    const open = (change: object) => openResults(folder, { ...config(), ...change }, { log })
    await expect(open({ steps: 8 })).rejects.toThrow(
      /expected steps 8, as the run has it, .* got 4; it is of another run/,
    )
    await expect(open({ steps: 2 })).rejects.toThrow(/^checkpoint: expected .* got 4/)
    await expect(open({ learningRate: 1 })).rejects.toThrow(/expected learningRate 1, as the run has it,/)
    await expect(open({ seeds: [2] })).rejects.toThrow(
      /^run: expected lines of the cells that the first line of .* names, got one of \S+-seed1; restore the file$/,
    )
    expect(linesOf(await readResults(folder)).length).toBeGreaterThan(10)
  })
})
