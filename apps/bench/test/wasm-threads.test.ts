// Replicas that are threads of one process: how many there are, and that they do what one does.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readResults } from '@alibi/results/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolveRunConfig } from '../src/config/resolve.js'
import type { RunOptions } from '../src/config/schema.js'
import { takePlace } from '../src/replicas/place.js'
import { threadsOf } from '../src/replicas/threads.js'
import { startBench, until } from './bench-process.js'

describe('the number of threads', () => {
  const config = (settings: RunOptions) => resolveRunConfig({ batchSize: 12, ...settings })

  it.each([
    [1, {}, 1],
    [3, {}, 3],
    [5, {}, 4],
    [8, {}, 6],
    [64, {}, 12],
    [4, { batchSize: 7 }, 1],
    [3, { microBatches: 2 }, 3],
    [4, { microBatches: 4 }, 4],
    [4, { dropout: 0.1 }, 1],
    [4, { dropout: 0.1, microBatches: 6 }, 3],
    [4, { tailDropout: 0.1, microBatches: 2 }, 2],
  ])('on %i cores, with %o in place of batches of 12, is %i', (cores, settings, expected) => {
    expect(threadsOf('wasm', config(settings), undefined, cores)).toBe(expected)
  })

  it('is that which is asked for, and one on other backends', () => {
    expect(threadsOf('wasm', config({}), 5, 2)).toBe(5)
    expect(threadsOf('cpu', config({}), 2, 8)).toBe(2)
    expect(threadsOf('cpu', config({}), undefined, 8)).toBe(1)
    expect(threadsOf('webgpu', config({}), undefined, 8)).toBe(1)
    expect(threadsOf('tensorflow', config({}), 2, 8)).toBe(1)
  })

  it('is none where a backend has a device of its own, or addresses are named', async () => {
    const refused = (options: Parameters<typeof takePlace>[0]) => expect(takePlace(options)).rejects
    await refused({ replicas: 2, backend: 'webgpu' }).toThrow(
      new RangeError('replicas: expected --backend tensorflow, wasm or cpu, got webgpu'),
    )
    await refused({ cluster: 'a:1,b:1', replica: 0, backend: 'wasm' }).toThrow(
      new RangeError('replicas: expected --backend tensorflow, got wasm'),
    )
    expect(await takePlace({ replicas: 2, backend: 'wasm' })).toBeUndefined()
  })
})

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-wasm-threads-'))
  await writeFile(join(folder, 'text.txt'), Array.from({ length: 400 }, (_, i) => `${i % 5} is ${i % 7}\n`).join(''))
})
afterAll(() => rm(folder, { recursive: true }))

// biome-ignore format: options and their values
const MODEL = [
  '--data', 'text.txt', '--train-length', '16', '--batch-size', '6', '--num-layers', '1', '--model-dim', '16', '--num-heads', '2',
  '--backend', 'wasm', '--dropout', '0.1',
]
/** Small steps: those of larger ones make more of another order of sums than 1e-5. */
// biome-ignore format: options and their values
const RUN = [
  'run', ...MODEL, '--micro-batches', '2', '--steps', '50', '--learning-rate', '1e-4', '--seeds', '1',
  '--eval-lengths', '16,32', '--eval-tokens', '64', '--protocols', 'nonoverlapping,streaming', '--stride', '8', '--no-windowed-control',
]

/** @returns its exit code, and its last lines on stderr */
async function ended({ ended, written }: ReturnType<typeof startBench>) {
  return { code: await ended, lines: written.stderr.trim().split('\n') }
}

async function expectDone(bench: ReturnType<typeof startBench>): Promise<readonly string[]> {
  const { code, lines } = await ended(bench)
  expect(code, lines.join('\n')).toBe(0)
  return lines
}

it('two that are stopped in training and resumed have what one thread has', async () => {
  await expectDone(startBench(folder, [...RUN, '--strategies', 'alibi', '--replicas', '1', '--out', 'one']))
  const two = startBench(folder, [...RUN, '--strategies', 'alibi', '--replicas', '2', '--out', 'two'])
  const trains = () => readFile(join(folder, 'two/results.jsonl'), 'utf8').then((text) => text.includes('"train"'))
  await until(async () => two.child.exitCode !== null || (await trains().catch(() => false)))
  two.child.kill('SIGINT')
  const { code, lines } = await ended(two)
  expect(code, lines.join('\n')).toBe(130)
  expect(lines).toContain('2 threads, each with its part of every batch')
  expect(lines.at(-1)).toBe(
    `stopped; finished work is kept. Continue with: pnpm bench run --resume --out ${join(folder, 'two')} --backend wasm --replicas 2`,
  )
  const stopped = await readResults(join(folder, 'two'))
  expect(stopped.train.at(-1)!.step).toBeLessThan(50)

  await expectDone(startBench(folder, ['run', '--resume', '--out', 'two', '--backend', 'wasm', '--replicas', '2']))
  const [one, other] = [await readResults(join(folder, 'one')), await readResults(join(folder, 'two'))]
  expect(one.run.device).toMatch(/ 1 thread,/)
  expect(other.run.device).toMatch(/ 2 threads,/)
  for (const kind of ['train', 'evals'] as const) {
    expect(other[kind].map(({ lossNats }) => lossNats)).toBeAllclose(
      one[kind].map(({ lossNats }) => lossNats),
      { rtol: 1e-5, atol: 0 },
    )
  }
  expect(one.evals.map(({ protocol }) => protocol)).toContain('streaming')
  expect(other.evals.map(({ perplexity }) => perplexity)).toBeAllclose(
    one.evals.map(({ perplexity }) => perplexity),
    { rtol: 1e-5, atol: 0 },
  )
})

it.each([
  ['fails', `throw new Error('no thread for me\\nat all')`, 'strategy ./alone.ts: cannot be made: no thread for me'],
  ['ends', 'process.exit(3)', 'its thread has ended with exit code 3'],
])('one that %s ends the command with a line', async (how, statement, reason) => {
  const source = `
    import { isMainThread } from 'node:worker_threads'
    export function make() {
      if (!isMainThread) ${statement}
      return Object.freeze({ specVersion: 1, name: 'alone' })
    }`
  await writeFile(join(folder, 'alone.ts'), source)
  const { code, lines } = await ended(
    startBench(folder, [...RUN, '--strategies', './alone.ts', '--replicas', '2', '--out', how]),
  )
  expect(code).toBe(1)
  expect(lines.filter((line) => line.startsWith('bench') || line.includes(reason))).toEqual([lines.at(-1)])
  expect(lines.at(-1)).toBe(`bench: replicas: expected all replicas, got no answer from replica 1 (${reason})`)
})

it('with dropout and without --replicas there is one thread, where two would drop otherwise', async () => {
  const lines = await expectDone(startBench(folder, ['train', ...MODEL, '--steps', '1', '--out', 'dropout']))
  expect(lines[0]).toMatch(/^backend wasm .* 1 thread,/)
})
