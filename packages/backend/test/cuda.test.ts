import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { readCudaBuild } from '../src/cuda/build.js'
import { describeCuda } from '../src/cuda/describe.js'
import { findDriver, findDriverIn, PLACES } from '../src/cuda/driver.js'
import { inspectAddon } from '../src/cuda/inspect.js'
import { prepareCuda } from '../src/cuda/prepare.js'
import { kernelsFor, WHEEL_CAPABILITIES } from '../src/cuda/supported.js'
import { visibleGpu } from '../src/cuda/visible.js'
import { processEnvironment } from '../src/process-environment.js'
import type { Addon } from '../src/setup/addon.js'
import { chooseCuda } from '../src/setup/choose-build.js'
import { compileHelpers, linkLibraries } from '../src/setup/compile.js'
import { CUDA_SIZE, downloadLibraries } from '../src/setup/libraries.js'
import { isWanted, setUpTensorflow } from '../src/setup/setup.js'
import { CUDA_LIBRARIES, fakeDriver, fakePip, H100 } from './fake-cuda.js'

// A machine with NVIDIA's GPUs, as far as it can be had without one: an nvidia-smi that says what it is told to, and wheels of
// TensorFlow and CUDA that are made here.
let folder: string
const warnings: string[] = []
let addon: Addon
let nvidia: string
const environment = { ...process.env }
const programs = () => join(folder, 'programs')

const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0

beforeAll(async () => {
  if (!hasCompiler) return
  folder = await mkdtemp(join(tmpdir(), 'alibi-cuda-'))
  const python = await fakePip(join(folder, 'pip'))
  Object.assign(process.env, { PYTHON: python, XDG_CACHE_HOME: join(folder, 'cache') })
  const libraries = await downloadLibraries({ gpu: true, log: () => {} })
  process.env = { ...environment }
  nvidia = libraries.nvidia!
  const compiled = join(folder, 'addon/lib')
  await mkdir(compiled, { recursive: true })
  addon = {
    folder: join(folder, 'addon'),
    path: join(compiled, 'binding.node'),
    stderrPath: join(compiled, 'stderr.node'),
    loadPath: join(compiled, 'load.node'),
    replicasPath: join(compiled, 'replicas.node'),
    operationsPath: join(compiled, 'operations.node'),
    version: '4.22.0',
  }
  await linkLibraries(addon.folder, libraries)
  await compileHelpers(addon)
})
afterAll(() => folder && rm(folder, { recursive: true }))

beforeEach(async ({ skip }) => {
  skip(!hasCompiler, 'needs Linux and a C compiler')
  warnings.length = 0
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(`${warning}`))
  process.env.PATH = `${programs()}:${environment.PATH}`
  for (const name of ['XLA_FLAGS', 'CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER']) delete process.env[name]
  await fakeDriver(programs(), H100)
})
afterEach(() => {
  vi.restoreAllMocks()
  process.env = { ...environment }
})

/** Runs with files moved away, and back. */
async function without<T>(path: string, run: () => T): Promise<T> {
  await rename(path, `${path}.away`)
  try {
    return run()
  } finally {
    await rename(`${path}.away`, path)
  }
}

describe('set-up', () => {
  it('unpacks the wheels with their permissions, and what says which they are', async () => {
    const { mode } = await stat(join(nvidia, 'cuda_nvcc/bin/ptxas'))
    expect(mode & 0o111).toBe(0o111)
    expect((await stat(join(nvidia, 'cuda_nvcc/nvvm/libdevice/libdevice.10.bc'))).mode & 0o111).toBe(0)
    const root = join(nvidia, '..')
    expect(await readFile(join(root, 'tensorflow/python/platform/build_info.py'), 'utf8')).toContain('compute_90')
    expect(existsSync(join(root, 'tensorflow/big.py'))).toBe(false)
  })

  it('asks a person with a GPU, and tells a script how', async () => {
    const lines: string[] = []
    const questions: string[] = []
    const choose = (answer?: string) =>
      chooseCuda({
        ask:
          answer === undefined
            ? undefined
            : async (question) => {
                questions.push(question)
                return answer
              },
        log: (line) => void lines.push(line),
      })
    expect([await choose('y'), await choose('Yes '), await choose(''), await choose('no')]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(questions[0]).toBe(
      'NVIDIA H100 80GB HBM3 is here. Prepare TensorFlow for it (about 3.6 GB to download; 9 GB of disk must be free) instead of for the processor (about 275 MB)? [y/N] ',
    )
    expect(lines).toEqual([])
    expect(await choose()).toBe(false)
    await fakeDriver(programs(), '470.1, 0, 8.0, 40536, 4, NVIDIA A100')
    expect(await choose('y')).toBe(false)
    await fakeDriver(programs(), '580.1, 0, 12.0, 32607, 4, NVIDIA GeForce RTX 5090')
    expect(await choose('y')).toBe(false)
    await fakeDriver(programs(), 'NVIDIA-SMI has failed', 9)
    expect(await choose('y')).toBe(false)
    expect(lines).toEqual([
      'NVIDIA H100 80GB HBM3 is here; TensorFlow computes on it after `npx alibi-setup-tensorflow --gpu` (about 3.6 GB to download; 9 GB of disk must be free)',
      'expected NVIDIA driver 525 or newer, as CUDA 12 needs, got 470.1: TensorFlow is prepared for the processor',
      "NVIDIA GeForce RTX 5090 has compute capability 12.0, and TensorFlow's CUDA build has kernels of sm_60, sm_70, sm_80, sm_89, compute_90; --backend webgpu may run on it: TensorFlow is prepared for the processor",
      "NVIDIA's driver does not answer: NVIDIA-SMI has failed: TensorFlow is prepared for the processor",
    ])
    expect(questions).toHaveLength(4)
  })
})

describe('set-up for a GPU', () => {
  const lines: string[] = []
  const setUp = () => setUpTensorflow({ gpu: true, force: true, log: (line) => void lines.push(line) })

  it('downloads nothing where it could not compute', async () => {
    await fakeDriver(programs(), '470.1, 0, 8.0, 40536, 4, NVIDIA A100')
    await expect(setUp()).rejects.toThrow('expected NVIDIA driver 525 or newer, as CUDA 12 needs, got 470.1')
    await fakeDriver(programs(), '580.1, 0, 5.2, 12288, 4, NVIDIA TITAN X')
    await expect(setUp()).rejects.toThrow('NVIDIA TITAN X has compute capability 5.2, and')
    expect(lines).toEqual([])
  })

  it('goes on without a driver, for images, and says so', async () => {
    process.env.PATH = join(folder, 'nothing')
    process.env.PYTHON = join(folder, 'nothing/python')
    await expect(setUp()).rejects.toThrow('no Python with pip was found')
    expect(lines).toEqual(['there is no NVIDIA driver here: TensorFlow computes on the processor until there is one'])
  })
})

describe('the driver', () => {
  it('lists GPUs', async () => {
    await fakeDriver(programs(), `${H100}\n550.54.15, 1, 8.9, 46068, 4, NVIDIA L40S, 48 GB`)
    expect(findDriver()).toEqual({
      version: '550.54.15',
      gpus: [
        { index: 0, name: 'NVIDIA H100 80GB HBM3', capability: '9.0', memoryMiB: 81559, usedMiB: 4 },
        { index: 1, name: 'NVIDIA L40S, 48 GB', capability: '8.9', memoryMiB: 46068, usedMiB: 4 },
      ],
    })
  })

  it('is none, or says in one line why it cannot be used', async () => {
    await fakeDriver(programs(), 'No devices were found', 0)
    expect(() => findDriver()).toThrow('lists no GPU: nvidia-smi printed "No devices were found"')
    await fakeDriver(programs(), "NVIDIA-SMI has failed because it couldn't communicate with the driver.\n", 9)
    expect(() => findDriver()).toThrow("NVIDIA's driver does not answer: NVIDIA-SMI has failed because")
    process.env.PATH = join(folder, 'nothing')
    expect(findDriver()).toBeUndefined()
    const places = { ...PLACES, programs: ['nvidia-smi'], module: join(folder, 'module') }
    await writeFile(places.module, '')
    expect(() => findDriverIn(places)).toThrow("loaded, but there is no nvidia-smi; install the driver's")
  })

  it('is asked where WSL has it, and not for ever', async () => {
    expect(PLACES.programs).toEqual(['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'])
    const places = { ...PLACES, programs: ['no-nvidia-smi', join(programs(), 'nvidia-smi')], seconds: 0.2 }
    expect(findDriverIn({ ...places, seconds: 20 })).toMatchObject({ version: '550.54.15' })
    await writeFile(join(programs(), 'nvidia-smi'), '#!/bin/sh\nexec sleep 60\n')
    expect(() => findDriverIn(places)).toThrow(
      `NVIDIA's driver does not answer: ${places.programs[1]} ran for 0.2 s; see whether it ends by itself`,
    )
  })

  it.each([
    ['5.2', undefined],
    ['6.1', 'compiled'],
    ['7.5', 'compiled'],
    ['8.6', 'compiled'],
    ['8.9', 'compiled'],
    ['9.0', 'at first use'],
    ['10.0', undefined],
    ['12.0', undefined],
  ])('runs kernels of the wheel on compute capability %s: %s', (capability, kernels) => {
    expect(kernelsFor({ index: 0, name: 'x', capability, memoryMiB: 1, usedMiB: 0 }, WHEEL_CAPABILITIES)).toBe(kernels)
  })
})

it('the first of the GPUs that CUDA_VISIBLE_DEVICES leaves computes', () => {
  const gpus = [{ index: 0 }, { index: 1 }]
  const visible = (names: string | undefined) => visibleGpu(gpus, names)?.index
  expect([undefined, '1', '1,0', ' 1', 'GPU-8932f937'].map(visible)).toEqual([0, 1, 1, 1, 0])
  expect(['', '-1', '-1,0', '2'].map(visible)).toEqual([undefined, undefined, undefined, undefined])
})

describe('variables for TensorFlow', () => {
  const ptxas = { xla: true, gpuName: undefined }
  const none = { xla: false, gpuName: undefined }

  it('are set', () => {
    expect(processEnvironment(ptxas, {})).toEqual({
      NVIDIA_TF32_OVERRIDE: '0',
      TF_CPP_MIN_LOG_LEVEL: '2',
      TF_ENABLE_ONEDNN_OPTS: '1',
      TF_FORCE_GPU_ALLOW_GROWTH: 'true',
      TF_XLA_FLAGS: '--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit',
    })
    expect(processEnvironment(none, {}).TF_XLA_FLAGS).toBeUndefined()
  })

  it('stay as a person set them, but for XLA that would end a step', () => {
    const mine = { NVIDIA_TF32_OVERRIDE: '1', TF_XLA_FLAGS: '--tf_xla_auto_jit=1', PATH: '/bin' }
    expect(processEnvironment(ptxas, mine)).toMatchObject(mine)
    const off = processEnvironment(none, mine)
    expect(off).toMatchObject({ ...mine, TF_XLA_FLAGS: '--tf_xla_auto_jit=1 --tf_xla_auto_jit=-1' })
    // A worker has them from its parent.
    expect(processEnvironment(none, off)).toEqual(off)
  })
})

describe('a build for CUDA', () => {
  it('is loaded whole, with XLA', () => {
    const report = inspectAddon(addon)
    expect(report.problems).toEqual([])
    expect(report.build).toMatchObject({ version: '12.5.1', capabilities: WHEEL_CAPABILITIES })
    expect(report.build!.libraries.map(({ name }) => name).sort()).toEqual([...CUDA_LIBRARIES].sort())
    const lines = describeCuda(report)
    expect(lines.slice(0, 3)).toEqual([
      'NVIDIA driver 550.54.15',
      'GPU 0: NVIDIA H100 80GB HBM3, compute capability 9.0, 81559 MiB; kernels are compiled for it at first use, which takes minutes',
      'TensorFlow is built for CUDA 12.5.1 with kernels of sm_60, sm_70, sm_80, sm_89, compute_90',
    ])
    expect(lines).toContain(`libcudart.so.12: ${join(nvidia, 'cuda_runtime/lib/libcudart.so.12')}`)
    expect(lines.at(-1)).toBe(`ptxas and libdevice for XLA: ${join(nvidia, 'cuda_nvcc')}`)
    expect(prepareCuda(addon)).toEqual({ xla: true, gpuName: 'NVIDIA H100 80GB HBM3' })
    expect(process.env.XLA_FLAGS).toBe(`--xla_gpu_cuda_data_dir="${join(nvidia, 'cuda_nvcc')}"`)
    expect(process.env.CUDA_DEVICE_ORDER).toBe('PCI_BUS_ID')
    expect(process.env.CUDA_VISIBLE_DEVICES).toBeUndefined()
  })

  it('leaves what XLA_FLAGS says', () => {
    process.env.XLA_FLAGS = '--xla_dump_to=/tmp/x'
    prepareCuda(addon)
    expect(process.env.XLA_FLAGS).toBe(`--xla_dump_to=/tmp/x --xla_gpu_cuda_data_dir="${join(nvidia, 'cuda_nvcc')}"`)
    const flags = `--xla_gpu_cuda_data_dir=${join(folder, 'elsewhere')}`
    process.env.XLA_FLAGS = flags
    expect(inspectAddon(addon).problems).toEqual([
      `XLA is off: ${join(folder, 'elsewhere/nvvm/libdevice/libdevice.10.bc')} is not there`,
    ])
    prepareCuda(addon)
    expect(process.env.XLA_FLAGS).toBe(flags)
  })

  it('has no XLA without ptxas that runs and libdevice', async () => {
    const [ptxas, libdevice] = ['bin/ptxas', 'nvvm/libdevice/libdevice.10.bc'].map((path) =>
      join(nvidia, 'cuda_nvcc', path),
    )
    const prepared = () => ({
      ...prepareCuda(addon),
      flags: process.env.XLA_FLAGS,
      problems: warnings.splice(0),
    })
    const off = { xla: false, gpuName: 'NVIDIA H100 80GB HBM3', flags: undefined }
    await chmod(ptxas!, 0o644)
    expect(prepared()).toEqual({
      ...off,
      problems: [`XLA is off: ${ptxas} is not executable; run \`chmod +x ${ptxas}\``],
    })
    await chmod(ptxas!, 0o755)
    expect(await without(ptxas!, prepared)).toEqual({ ...off, problems: [`XLA is off: ${ptxas} is not there`] })
    expect(await without(libdevice!, prepared)).toEqual({ ...off, problems: [`XLA is off: ${libdevice} is not there`] })
  })

  it('names libraries that are missing or of another version', async () => {
    const cufft = join(nvidia, 'cufft/lib/libcufft.so.11')
    expect(await without(cufft, () => inspectAddon(addon).problems)).toEqual([
      expect.stringMatching(/^libcufft\.so\.11 does not load: libcufft\.so\.11: cannot open shared object file/),
    ])
    const [root, right, wrong] = [join(nvidia, '..'), 'nvidia_cudnn_cu12-9.14.0.64', 'nvidia_cudnn_cu12-9.1.0.70']
    await rename(join(root, `${right}.dist-info`), join(root, `${wrong}.dist-info`))
    expect(inspectAddon(addon).problems).toEqual([
      'expected nvidia-cudnn-cu12 <10.0,>=9.3.0.75, which TensorFlow asks for, got 9.1.0.70',
    ])
    expect(await without(join(root, `${wrong}.dist-info`), () => inspectAddon(addon).problems)).toEqual([
      'expected nvidia-cudnn-cu12 <10.0,>=9.3.0.75, which TensorFlow asks for, got none',
    ])
    await rename(join(root, `${wrong}.dist-info`), join(root, `${right}.dist-info`))
  })

  it('hides GPUs that it has no kernels for, and says so', async () => {
    await fakeDriver(
      programs(),
      `550.1, 0, 12.0, 32607, 4, NVIDIA GeForce RTX 5090\n550.1, 1, 8.6, 24576, 4, NVIDIA RTX A5000`,
    )
    expect(prepareCuda(addon)).toEqual({ xla: true, gpuName: 'NVIDIA RTX A5000' })
    expect(process.env.CUDA_VISIBLE_DEVICES).toBe('1')
    delete process.env.CUDA_VISIBLE_DEVICES
    await fakeDriver(programs(), `550.1, 0, 12.0, 32607, 4, NVIDIA GeForce RTX 5090`)
    expect(prepareCuda(addon)).toEqual({ xla: true, gpuName: undefined })
    expect(process.env.CUDA_VISIBLE_DEVICES).toBe('-1')
    expect(inspectAddon(addon).problems).toHaveLength(1)
  })

  it("takes the system's CUDA where none comes with it", () => {
    const build = readCudaBuild({ include: join(nvidia, '../tensorflow/include'), nvidia: undefined })!
    expect(build.libraries[0]).toEqual({ name: 'libcudart.so.12', path: undefined })
    expect(build.toolkits).toEqual(['/usr/local/cuda', '/opt/cuda'])
  })

  it('is described with what it lacks', () => {
    const report = inspectAddon(addon)
    const [first] = report.build!.libraries
    const libraries = [
      { ...first!, path: undefined },
      { ...first!, problem: 'no such file' },
    ]
    const build = { ...report.build!, version: undefined, libraries, xla: { problem: 'ptxas is not there' } }
    expect(describeCuda({ ...report, build, problems: ['XLA is off'] }).slice(2)).toEqual([
      'TensorFlow is built for CUDA 12 with kernels of sm_60, sm_70, sm_80, sm_89, compute_90',
      "libcudart.so.12: the system's",
      'libcudart.so.12: no such file',
      'XLA is off: ptxas is not there',
      'problem: XLA is off',
    ])
  })

  it('stays where nothing else is asked for', () => {
    // Asked for, whether a GPU computes, whether it is the build for CUDA.
    expect([isWanted(undefined, false, true), isWanted(undefined, true, true)]).toEqual([true, true])
    expect([isWanted(true, true, true), isWanted(true, false, true), isWanted(true, false, false)]).toEqual([
      true,
      false,
      false,
    ])
    // A folder of --tensorflow-dir may compute on a GPU without NVIDIA's packages.
    expect([isWanted(false, false, false), isWanted(false, false, true), isWanted(false, true, false)]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('computes on no GPU where all are hidden', () => {
    process.env.CUDA_VISIBLE_DEVICES = ''
    expect(prepareCuda(addon)).toEqual({ xla: true, gpuName: undefined })
    expect(process.env.CUDA_VISIBLE_DEVICES).toBe('')
  })

  it('computes on the processor where there is no driver, and says nothing', () => {
    process.env.PATH = join(folder, 'nothing')
    expect(prepareCuda(addon)).toEqual({ xla: true, gpuName: undefined })
    expect(warnings).toEqual([])
    expect(inspectAddon(addon)).toMatchObject({ driver: undefined, gpus: [], problems: [] })
    expect(describeCuda(inspectAddon(addon))[0]).toBe('NVIDIA driver: none')
  })
})

it("the processor's build asks for that of CUDA where there is a GPU", async () => {
  const other = { ...addon, folder: join(folder, 'other'), path: join(folder, 'other/binding.node') }
  for (const name of [
    '../binding.node',
    'lib/libtensorflow_cc.so.2',
    'lib/libtensorflow_framework.so.2',
    'include/tensorflow/c/c_api.h',
  ]) {
    await mkdir(join(other.folder, 'deps', name, '..'), { recursive: true })
    await writeFile(join(other.folder, 'deps', name), '')
  }
  const report = inspectAddon(other)
  expect(report.problems).toEqual([
    "TensorFlow is the processor's build; run `npx alibi-setup-tensorflow --gpu` for the build for CUDA",
  ])
  expect(describeCuda(report).at(-2)).toBe('TensorFlow is not built for CUDA: a run on a GPU would load nothing')
  expect(prepareCuda(other)).toEqual({ xla: true, gpuName: undefined })
  expect(process.env.CUDA_DEVICE_ORDER).toBeUndefined()
  expect(inspectAddon(undefined).problems).toEqual([
    'TensorFlow is not installed; run `npx alibi-setup-tensorflow --gpu` for the build for CUDA',
  ])
})

it('the README names the size that a person is asked about', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme.replaceAll(/\s+/g, ' ')).toContain(CUDA_SIZE)
})
