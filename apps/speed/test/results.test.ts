import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { leadTables, withTables } from '../src/lead.js'
import { trainingSizes } from '../src/parts/training.js'
import { partsToKeep, type Results, readResults } from '../src/results.js'

const outcome = (name: string, ...seconds: number[]) => ({
  name,
  seconds,
  ratio: { median: 1, range: [1, 1] as const },
})
const beside = (name: string, median: number, ...seconds: number[]) => ({
  ...outcome(name, ...seconds),
  ratio: { median, range: [median - 0.25, median + 0.25] as const },
})
const [, size] = trainingSizes
const about = { commit: 'abc', minutes: 1.5, rounds: 1, ceiling: 500 }
const absent = [{ name: 'JAX, einsum', reason: 'pip install jax' }]
const results: Results = {
  type: 'speed',
  schemaVersion: 3,
  device: 'two threads',
  versions: { node: '20' },
  parts: {
    'train-256': {
      ...about,
      ...{ size: size!, absent, versions: { jax: '0.10' } },
      outcomes: [outcome('ours, alibi', 0.5), beside('slow', 3, 1.5), beside('fast', 1.5, 0.75)],
    },
    'evaluation-256': {
      ...about,
      ...{ size: size!, absent },
      outcomes: [outcome('ours, alibi', 0.1), beside('ours, a training step', 2.75, 0.5), beside('flex', 0.75, 0.075)],
    },
    memory: {
      ...about,
      ...{ size: size!, absent: [] },
      peaks: [
        { name: 'ours, alibi', peakBytes: 2 ** 31 },
        { name: 'PyTorch, SDPA', peakBytes: 2 ** 33 },
      ],
    } as Results['parts'][string],
  },
}

it('puts ours beside the best peer of each part, not the weakest and not ourselves', () => {
  const lines = leadTables(results).map((line) => line.replaceAll(/ +/g, ' '))
  expect(lines).toContain('| training step, 8 × 256 | 500 ms | fast | 750 ms | 1.50 (1.25 to 1.75) |')
  expect(lines).toContain('| evaluation, 8 × 256 | 100 ms | flex | 75.0 ms | 0.75 (0.50 to 1.00) |')
  expect(lines).toContain('| rate of evaluation ÷ of training at 8 × 256 | 2.75 (2.50 to 3.00) |')
  // 2,048 tokens of 6·(512·256 + 4·12·256²) + 12·4·256·256 operations in half a second.
  const share = (2048 * (6 * (512 * 256 + 48 * 256 ** 2) + 48 * 256 ** 2)) / 0.5 / 500e9
  expect(lines).toContain(
    `| share of the ceiling of products, training at 256 | ${(100 * share).toFixed(0)} % of 500 GFLOP/s |`,
  )
  expect(lines).toContain(
    "| peak resident memory of training at 4,096 ÷ PyTorch SDPA's | 0.25 (2.00 GiB of 8.00 GiB) |",
  )
  expect(lines).toContain('- Absent in train-256, evaluation-256: JAX, einsum: pip install jax')
  expect(lines.find((line) => line.startsWith('Not measured'))).toContain('train-4096')
  expect(lines).toContain('On two threads; node 20, jax 0.10; code of abc.')
  expect(lines).toContain('Minutes of each part: train-256 1.5, evaluation-256 1.5, memory 1.5.')
})

it('keeps the parts of the same code, machine and versions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'speed-'))
  const path = join(folder, 'speed.json')
  try {
    expect(partsToKeep(path, results, 'abc')).toEqual({})
    writeFileSync(path, JSON.stringify(results))
    expect(readResults(path)).toEqual(results)
    // Results in the repository make its tree dirty.
    expect(Object.keys(partsToKeep(path, results, 'abc-dirty'))).toEqual(Object.keys(results.parts))
    expect(partsToKeep(path, results, 'def')).toEqual({})
    expect(partsToKeep(path, results, null)).toEqual({})
    expect(() => partsToKeep(path, { ...results, device: 'another' }, 'abc')).toThrow(
      /^speed: expected .*speed\.json of this machine[^\n]*$/,
    )
    writeFileSync(path, '{')
    expect(() => readResults(path)).toThrow(/^speed: expected results in [^\n]*$/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it("the README's tables are those of docs/results/speed.json", () => {
  const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  const page = readFileSync(at('../README.md'), 'utf8')
  const kept = at('../../../docs/results/speed.json')
  const lines = existsSync(kept) ? leadTables(readResults(kept)) : ['Not measured yet.']
  expect(page).toBe(withTables(page, lines))
})

it('writes tables between two comments alone', () => {
  expect(() => withTables('a page', [])).toThrow(/^speed: expected a page with [^\n]*$/)
})
