import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ResultLine } from '@alibi/results'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { gatheredAppends } from '../src/sweep/gathered-appends.js'

/** How many lines each write had. */
const writes: number[] = []
vi.mock(import('@alibi/results/node'), async (original) => {
  const real = await original()
  return {
    ...real,
    async appendResults(folder, ...lines) {
      writes.push(lines.length)
      await real.appendResults(folder, ...lines)
    },
  }
})

let folder: string
beforeEach(async () => {
  writes.length = 0
  folder = await mkdtemp(join(tmpdir(), 'alibi-appends-'))
})
afterEach(() => rm(folder, { recursive: true }))

const lineOf = (seed: number, step: number): ResultLine => ({
  ...{ type: 'train', strategy: 'alibi', trainLength: 8, seed, size: '1x8x2' },
  ...{ step, lossNats: 1, tokensPerSecond: 1 },
})

it('writes what comes meanwhile together, each cell’s lines after one another', async () => {
  const append = gatheredAppends(folder)
  const cells = Array.from({ length: 6 }, (_, i) => [lineOf(i, 1), lineOf(i, 2)])
  const first = append(cells[0]!)
  // The first write has begun.
  await vi.waitUntil(() => writes.length === 1)
  await Promise.all([first, ...cells.slice(1).map(append)])
  expect(writes).toEqual([2, 10])
  const text = await readFile(join(folder, 'results.jsonl'), 'utf8')
  expect(
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  ).toEqual(cells.flat())
})

it('rejects for those whose lines could not be written, and writes later ones', async () => {
  const append = gatheredAppends(join(folder, 'later'))
  const failed = [append([lineOf(1, 1)]), append([lineOf(2, 1)])]
  for (const { status } of await Promise.allSettled(failed)) expect(status).toBe('rejected')
  await mkdir(join(folder, 'later'))
  await append([lineOf(3, 1)])
  expect(JSON.parse(await readFile(join(folder, 'later/results.jsonl'), 'utf8'))).toEqual(lineOf(3, 1))
})
