// alibi-setup-tensorflow as a person starts it, built by `npm test` before the tests, on a machine that is made up. Each test
// goes on where the one before it stopped.
import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { H100 } from './fake-cuda.js'
import { type FakeMachine, fakeMachine } from './fake-machine.js'

const hasCompiler =
  process.platform === 'linux' && process.arch === 'x64' && spawnSync('cc', ['--version']).status === 0

let folder: string
let machine: FakeMachine
beforeAll(async () => {
  if (!hasCompiler) return
  folder = await mkdtemp(join(tmpdir(), 'alibi-setup-command-'))
  machine = await fakeMachine(folder)
  await machine.drive(H100)
})
afterAll(() => folder && rm(folder, { recursive: true }))
beforeEach(({ skip }) => skip(!hasCompiler, 'needs Linux x64 and a C compiler'))

const NAME = 'alibi-setup-tensorflow'
const SIZE = 'about 3.6 GB to download; 9 GB of disk must be free'
const GPU = 'NVIDIA H100 80GB HBM3'
const DRIVER = [
  'NVIDIA driver 550.54.15',
  `GPU 0: ${GPU}, compute capability 9.0, 81559 MiB; kernels are compiled for it at first use, which takes minutes`,
]

/** Its exit code, and its lines without its name. */
async function setUp(words: readonly string[] = [], options: Parameters<FakeMachine['start']>[2] = {}) {
  const { code, lines } = await machine.start(`${NAME}.js`, words, options)
  return { code, lines: lines.map((line) => line.replace(`${NAME}: `, '')) }
}

it('--check says what is there, and what is in the way', async () => {
  expect(await setUp(['--check'])).toEqual({
    code: 1,
    lines: [
      ...DRIVER,
      'TensorFlow is not built for CUDA: a run on a GPU would load nothing',
      'problem: TensorFlow is not prepared; run `npx alibi-setup-tensorflow --gpu` for the build for CUDA',
      'the native addon is missing',
    ],
  })
})

it('asks nothing where there is no terminal, and prepares the build for the processor', async () => {
  const { code, lines } = await setUp()
  expect([code, lines[0], lines[1], lines.at(-1)]).toEqual([
    0,
    `${GPU} is here; TensorFlow computes on it after \`npx alibi-setup-tensorflow --gpu\` (${SIZE})`,
    'downloading tensorflow-cpu 2.21.0 with pip (about 275 MB)',
    expect.stringMatching(/^TensorFlow 2\.21\.0 works on .+ threads$/),
  ])
})

it('says once that nothing could be compiled', async () => {
  const compiler = join(machine.programs, 'broken')
  await writeFile(compiler, '#!/bin/sh\ncase "$*" in *--version) exit ;; esac\necho "error: no headers"\nexit 1\n', {
    mode: 0o755,
  })
  const { code, lines } = await setUp(['--force'], { environment: { CXX: compiler } })
  expect([code, ...lines.slice(-2)]).toEqual([
    1,
    'compiling the binding',
    `${compiler} could not compile the binding: error: no headers`,
  ])
})

it('asks in a terminal, the first time alone, and prepares the build for CUDA', async () => {
  const [first, second] = (await setUp([], { answer: 'y\r' })).lines
  expect([first, second]).toEqual([expect.stringContaining(`${GPU} is here; TensorFlow computes`), 'it works already'])
  await rm(join(machine.addon, 'lib'), { recursive: true })
  const { code, lines } = await setUp([], { gpu: true, answer: 'y\r' })
  expect(lines.join('')).toContain(
    `${GPU} is here. Prepare TensorFlow for it (${SIZE}) instead of for the processor (about 275 MB)? [y/N] `,
  )
  expect([code, ...lines.slice(-7)]).toEqual([
    0,
    'downloading tensorflow 2.21.0 with pip (about 600 MB)',
    'downloading the CUDA libraries it names (about 3 GB)',
    'unpacking',
    'compiling the binding',
    expect.stringContaining("attention takes TensorFlow's operations, which are slower"),
    'trying it',
    `TensorFlow 2.21.0 works on ${GPU}`,
  ])
})

it('--check says what a run on a GPU would load', async () => {
  await chmod(ptxas(), 0o644)
  const { code, lines } = await setUp(['--check'], { gpu: true })
  expect([code, ...lines.slice(0, 3), ...lines.slice(-3)]).toEqual([
    0,
    ...DRIVER,
    'TensorFlow is built for CUDA 12.5.1 with kernels of sm_60, sm_70, sm_80, sm_89, compute_90',
    `XLA is off: ${ptxas()} is not executable; run \`chmod +x ${ptxas()}\``,
    `problem: XLA is off: ${ptxas()} is not executable; run \`chmod +x ${ptxas()}\``,
    `TensorFlow 2.21.0 works on ${GPU}`,
  ])
})

const ptxas = () => join(machine.cache, 'alibi/tensorflow-2.21.0-cuda/nvidia/cuda_nvcc/bin/ptxas')

it('a process has what TensorFlow needs, and no XLA without ptxas', async () => {
  const flags = '--tf_xla_auto_jit=2'
  const { lines } = await machine.start('probe.js', [], { environment: { TF_XLA_FLAGS: flags } })
  expect(lines).toEqual(
    expect.arrayContaining([
      `TF_XLA_FLAGS=${flags} --tf_xla_auto_jit=-1`,
      'TF_FORCE_GPU_ALLOW_GROWTH=true',
      'NVIDIA_TF32_OVERRIDE=0',
      expect.stringContaining(`CudaWarning: TensorFlow does not see ${GPU}; TF_CPP_MIN_LOG_LEVEL=0 shows why`),
    ]),
  )
  await chmod(ptxas(), 0o755)
})

it('--force keeps the build that is prepared and asks nothing; what computes elsewhere is an error', async () => {
  const { code, lines } = await setUp(['--force'], { answer: 'n\r' })
  expect([code, lines[0], lines.at(-1)]).toEqual([
    1,
    'TensorFlow is in the cache',
    expect.stringMatching(
      /^the CUDA build is prepared, but it computes on .+ threads: TensorFlow sees no GPU; TF_CPP_MIN_LOG_LEVEL=0 shows why$/,
    ),
  ])
})

it('prepares the build for CUDA again after the cache was cleared', async () => {
  await rm(machine.cache, { recursive: true })
  const { code, lines } = await setUp([], { gpu: true })
  expect([code, lines[0], lines.at(-1)]).toEqual([
    0,
    'downloading tensorflow 2.21.0 with pip (about 600 MB)',
    `TensorFlow 2.21.0 works on ${GPU}`,
  ])
})

it('--no-gpu takes the build for the processor, whichever is prepared', async () => {
  const { code, lines } = await setUp(['--no-gpu'], { gpu: true })
  expect([code, lines[0]]).toEqual([0, 'downloading tensorflow-cpu 2.21.0 with pip (about 275 MB)'])
})
