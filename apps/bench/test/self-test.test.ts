import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Backend, selectBackend } from '@alibi/backend'
import { attentionKernels } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { fakeDriver, H100 } from '../../../packages/backend/test/fake-cuda.js'
import { doctorCommand } from '../src/commands/doctor.js'
import { runSelfTest, type SelfTest } from '../src/self-test/self-test.js'
import { keptSelfTests, selfTestOnce } from '../src/self-test/store.js'
import { trainingError } from '../src/self-test/training.js'

let folder: string
/** nvidia-smi prints these lines. */
async function drive(lines: string): Promise<void> {
  await fakeDriver(join(folder, 'programs'), lines)
  vi.stubEnv('PATH', `${join(folder, 'programs')}:${process.env.PATH}`)
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-self-test-'))
  vi.stubEnv('XDG_CACHE_HOME', folder)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const tiled = attentionKernels.find(({ name }) => name === 'tiled')!
const SMALL = { numLayers: 1, modelDim: 8, numHeads: 2, vocabularySize: 16, batchSize: 1, length: 8, steps: 2 }

it('finds nothing wrong with plain JavaScript', async () => {
  const backend = await selectBackend('cpu')
  await drive(`${H100}\n550.54.15, 1, 9.0, 81559, 77, NVIDIA H100 80GB HBM3`)
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '1')
  const result = await runSelfTest(backend, { size: SMALL, kernels: [tiled] })
  const { kernels, productRelativeError, trainingRelativeError, step, ...of } = result
  expect(of).toMatchObject({ backend: 'cpu', device: backend.device, isGpu: false })
  expect(kernels.failed).toEqual([])
  expect(kernels.cases).toBeGreaterThan(30)
  // Sums of 256 products: TF32 would have 1e-3.
  expect(productRelativeError).toBeLessThan(1e-5)
  expect(trainingRelativeError).toBe(0)
  expect(step).toMatchObject({ tensorsLeft: 0, compiled: 'the cpu backend runs op by op', gpuMiB: [77, 77] })
  expect(step.tokensPerSecond).toBeGreaterThan(0)
})

it('compares training with that of plain JavaScript, and selects the backend again', async () => {
  await selectBackend('wasm')
  const error = await trainingError('wasm')
  expect(error).toBeGreaterThan(0)
  expect(error).toBeLessThan(1e-5)
  expect(tf.getBackend()).toBe('wasm')
})

// No GPU is here: this one stands for any.
const gpu: Backend = {
  name: 'tensorflow',
  device: 'NVIDIA H100',
  isGpu: true,
  package: 'p',
  version: '2',
  passedOver: [],
}
const result = {
  kernels: { cases: 3, failed: [] as SelfTest['kernels']['failed'] },
  trainingRelativeError: 1e-6,
  device: gpu.device,
} as SelfTest

it('tests each GPU once, and no processor', async () => {
  const lines: string[] = []
  const log = (line: string) => void lines.push(line)
  const test = vi.fn(async () => result)
  await selfTestOnce({ ...gpu, isGpu: false }, log, test)
  expect(await keptSelfTests()).toEqual([])
  await selfTestOnce(gpu, log, test)
  await selfTestOnce(gpu, log, test)
  expect(test).toHaveBeenCalledTimes(1)
  expect(lines).toEqual(['testing NVIDIA H100, once; `pnpm bench doctor --json` has the results'])
  await selfTestOnce({ ...gpu, version: '3' }, log, test)
  expect(await keptSelfTests()).toMatchObject([{ device: 'NVIDIA H100' }, { device: 'NVIDIA H100' }])
})

it('says what failed, and carries on', async () => {
  const lines: string[] = []
  const log = (line: string) => void lines.push(line)
  const failed = [{ name: 'tiled computes attention', message: 'expected 1, got 2' }]
  await selfTestOnce(gpu, log, async () => ({ ...result, kernels: { cases: 3, failed } }))
  await selfTestOnce({ ...gpu, device: 'a third' }, log, async () => ({ ...result, trainingRelativeError: 0.0314 }))
  await selfTestOnce({ ...gpu, device: 'another' }, log, async () => {
    throw new Error('out of memory')
  })
  expect(lines.filter((line) => !line.startsWith('testing'))).toEqual([
    '1 of 3 cases of attention are not those of float64 (tiled computes attention: expected 1, got 2); please report it with what `pnpm bench doctor --json` prints',
    'expected losses in training within 0.001 of those of plain JavaScript, got 0.031; please report it with what `pnpm bench doctor --json` prints',
    'the self-test failed: out of memory; please report it with what `pnpm bench doctor --json` prints',
  ])
  expect(await keptSelfTests()).toMatchObject([
    { kernels: { failed } },
    {},
    { device: 'another', error: 'out of memory' },
  ])
})

it('ends no run where it cannot be kept', async () => {
  const lines: string[] = []
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'file'))
  await writeFile(join(folder, 'file'), '')
  await selfTestOnce(
    gpu,
    (line) => void lines.push(line),
    async () => result,
  )
  expect(lines[1]).toMatch(/^the self-test is not kept: doctor: /)
})

it('a damaged file is none', async () => {
  await selfTestOnce(
    gpu,
    () => {},
    async () => result,
  )
  const path = join(folder, 'alibi/self-tests.json')
  await writeFile(path, (await readFile(path, 'utf8')).slice(0, -5))
  expect(await keptSelfTests()).toEqual([])
})

/** What doctor prints of the cpu backend. */
async function doctor(...words: string[]): Promise<string[]> {
  const printed: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((text) => void printed.push(text))
  await doctorCommand(['cpu'])
    .parseAsync(words, { from: 'user' })
    .finally(() => log.mockRestore())
  return printed
}

it('doctor --json has all of it, and calls no processor a GPU', async () => {
  await selfTestOnce(
    gpu,
    () => {},
    async () => result,
  )
  const report = JSON.parse((await doctor('--json')).join(''))
  expect(report).toMatchObject({
    node: process.versions.node,
    auto: expect.any(String),
    cuda: { gpus: expect.any(Array) },
  })
  expect(report.backends).toMatchObject([{ name: 'cpu', works: true, isGpu: false, gigaflops: null }])
  expect(report.selfTests).toMatchObject([{ device: 'NVIDIA H100', kernels: { cases: 3, failed: [] } }])
})

it('doctor names the driver, its GPUs and what is in their way', async () => {
  // Older than CUDA 12: a problem whichever build of TensorFlow is prepared here.
  await drive('470.57.02, 0, 8.0, 40536, 4, NVIDIA A100')
  const problem = 'expected NVIDIA driver 525 or newer, as CUDA 12 needs, got 470.57.02'
  expect(await doctor()).toEqual(
    expect.arrayContaining([
      'cuda: NVIDIA driver 470.57.02',
      'cuda: GPU 0: NVIDIA A100, compute capability 8.0, 40536 MiB',
      `cuda: problem: ${problem}`,
    ]),
  )
  expect(JSON.parse((await doctor('--json')).join('')).cuda).toMatchObject({
    driver: '470.57.02',
    gpus: [{ index: 0, name: 'NVIDIA A100', capability: '8.0', memoryMiB: 40536, usedMiB: 4, kernels: 'compiled' }],
    problems: expect.arrayContaining([problem]),
  })
})
