// How commands end from outside: a terminal that is closed saves the work, a pipe whose reader is gone is no error.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { linesOf } from '@alibi/results'
import { writeResults } from '@alibi/results/node'
import { readCheckpointInfo } from '@alibi/transformer/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { exampleResults } from './example-results.js'

const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-ends-'))
  await writeFile(join(folder, 'text.txt'), Array.from({ length: 200 }, (_, i) => `${i % 5} is ${i % 7}\n`).join(''))
  const settings = { data: './text.txt', tokenizer: 'words', vocabularySize: 16, steps: 100_000, batchSize: 2 }
  const sizes = [{ numLayers: 1, modelDim: 8, numHeads: 2 }]
  const plan = {
    strategies: ['alibi'],
    trainLengths: [8],
    seeds: [1],
    sizes,
    settings: { ...settings, evalLengths: [8] },
  }
  await writeFile(join(folder, 'plan.json'), JSON.stringify(plan))
})
afterAll(() => rm(folder, { recursive: true }))

const exists = async (path: string) => (await readFile(path, 'utf8').catch(() => '')).length > 0
const small =
  'train --data text.txt --tokenizer words --vocabulary-size 16 --train-length 8 --batch-size 2 --num-layers 1 --model-dim 8 --num-heads 2 --steps 100000 --checkpoint-every 100000 --backend cpu --out train'

describe('a terminal that is closed', () => {
  // Long before the first checkpoint that they would make.
  it.each([
    ['train', small.split(' '), () => [join(folder, 'train')], 'pnpm bench train --resume --out'],
    [
      'sweep',
      'sweep plan.json --backend cpu --out sweep'.split(' '),
      async () =>
        (await readdir(join(folder, 'sweep/cells')).catch((): string[] => [])).map((id) =>
          join(folder, 'sweep/cells', id),
        ),
      'pnpm bench sweep plan.json --out',
    ],
  ] as const)('%s saves and says how to resume', async (_, words, runs, again) => {
    const child = spawn(process.execPath, [bench, ...words], { cwd: folder })
    let stderr = ''
    child.stderr.on('data', (chunk) => (stderr += chunk))
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
    const trains = async () => {
      const [run] = await runs()
      return run !== undefined && (await exists(join(run, 'results.jsonl')))
    }
    while (child.exitCode === null && !(await trains())) await new Promise((resolve) => setTimeout(resolve, 20))
    await new Promise((resolve) => setTimeout(resolve, 300))
    child.kill('SIGHUP')
    expect(await ended, stderr).toBe(129)
    expect(stderr).toContain(`stopped; finished work is kept. Continue with: ${again}`)
    const [run] = await runs()
    expect(await readdir(join(run!, 'checkpoints'))).toEqual(['alibi-seed1'])
    const { step } = await readCheckpointInfo(join(run!, 'checkpoints/alibi-seed1'))
    expect(step).toBeLessThan(100_000)
  })
})

it.runIf(process.platform !== 'win32')('a pipe whose reader is gone is no error: report … | head', async () => {
  await writeResults(folder, linesOf({ ...exampleResults(), train: [], evals: [], positions: [], retrieval: [] }))
  const command = `"${process.execPath}" "${bench}" report . | true; echo "\${PIPESTATUS[0]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', command], { cwd: folder, encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(stdout).toBe('0\n')
})
