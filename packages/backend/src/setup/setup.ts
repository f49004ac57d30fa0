import { existsSync, lstatSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findDriver } from '../cuda/driver.js'
import { inspectCuda, preparedBuild } from '../cuda/inspect.js'
import { unsupported } from '../cuda/supported.js'
import { type Addon, findAddon } from './addon.js'
import { lastLine, runCommand } from './command.js'
import { compileAddon, compileHelpers, compileOperations, compileReplicas, linkLibraries } from './compile.js'
import { downloadLibraries, findLibraries, type Libraries } from './libraries.js'

export interface SetupOptions {
  /** The CUDA build of TensorFlow, or the processor's. Default: the one that is prepared, and the processor's where none is. */
  readonly gpu?: boolean | undefined
  /** Prepare again even if it works. Default false. */
  readonly force?: boolean
  /** A TensorFlow to use instead of pip's. */
  readonly tensorflowDir?: string | undefined
  readonly log?: (line: string) => void
}

/** What the backend says when it is loaded in a process of its own. */
export interface Working {
  readonly device: string
  readonly isGpu: boolean
  readonly version: string
}

/**
 * Makes `@tensorflow/tfjs-node-gpu` work: libraries of a current TensorFlow, and its binding compiled against them.
 * Each step leaves its result whole or not at all, so an interrupted run goes on where it stopped.
 *
 * @throws Error, one line with what to do
 */
export async function setUpTensorflow(options: SetupOptions = {}): Promise<Working> {
  const { force = false, tensorflowDir, log = () => {} } = options
  const addon = installedAddon()
  const isCuda = isForCuda(addon)
  const gpu = options.gpu ?? (isCuda && !tensorflowDir)
  if (!force && !tensorflowDir) {
    const working = await checkTensorflow().catch(() => undefined)
    if (working && isWanted(options.gpu, working.isGpu, isCuda)) {
      log('it works already')
      if (![addon.stderrPath, addon.loadPath].every(existsSync)) await compileHelpers(addon)
      if (!existsSync(addon.replicasPath)) await compileReplicas(addon)
      if (!existsSync(addon.operationsPath))
        await compileOperations(addon).catch((error: Error) => log(withoutOperations(error)))
      return working
    }
  }
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`it can be prepared on Linux x64 only, this is ${process.platform} ${process.arch}; use wasm`)
  if (gpu && !tensorflowDir) expectGpu(log)
  const libraries = tensorflowDir ? named(tensorflowDir) : await downloadLibraries({ gpu, log })
  log('compiling the binding')
  await linkLibraries(addon.folder, libraries)
  await compileAll(addon, log)
  log('trying it')
  const working = await checkTensorflow()
  if (gpu && !working.isGpu) {
    const { gpus, problems } = inspectCuda()
    if (gpus.length)
      throw new Error(`the CUDA build is prepared, but it computes on ${working.device}: ${problems[0] ?? UNEXPLAINED}`)
  }
  return working
}

/**
 * Whether what works is what is asked for.
 *
 * @param gpu - as in the options
 * @param computes - whether a GPU does
 */
export function isWanted(gpu: boolean | undefined, computes: boolean, isCuda: boolean): boolean {
  if (gpu === undefined) return true
  return gpu ? computes : !computes && !isCuda
}

/** Whether the CUDA build was prepared last: even where its libraries are gone since, as a cache may be cleared. */
export function isForCuda(addon: Addon): boolean {
  const deps = join(addon.folder, 'deps')
  if (findLibraries(deps)) return preparedBuild(addon) !== undefined
  return lstatSync(join(deps, 'nvidia'), { throwIfNoEntry: false }) !== undefined
}

/** Side by side; none is left at work when another fails. */
async function compileAll(addon: Addon, log: (line: string) => void): Promise<void> {
  const [operations, ...needed] = await Promise.allSettled([
    compileOperations(addon),
    compileAddon(addon),
    compileHelpers(addon),
    compileReplicas(addon),
  ])
  for (const one of needed) if (one.status === 'rejected') throw one.reason
  if (operations.status === 'rejected') log(withoutOperations(operations.reason))
}

/** Everything works without our own operations, only slower: a compiler that does not know what they need is no reason to stop. */
const withoutOperations = (error: Error) =>
  `${error.message}; attention takes TensorFlow's operations, which are slower`

const UNEXPLAINED = 'TensorFlow sees no GPU; TF_CPP_MIN_LOG_LEVEL=0 shows why'

/**
 * Before anything is downloaded. An image may be made where there is no GPU.
 *
 * @throws Error, one line, for a driver that does not answer or is too old, or GPUs that the build has no kernels for
 */
function expectGpu(log: (line: string) => void): void {
  const driver = findDriver()
  if (!driver) log('there is no NVIDIA driver here: TensorFlow computes on the processor until there is one')
  const problem = driver && unsupported(driver)
  if (problem) throw new Error(problem)
}

/**
 * Loads the backend in a process of its own, where a crash harms nothing, and multiplies two matrices. What is in the way of a
 * GPU is no error: `inspectCuda` lists it.
 *
 * @throws Error, one line, if it does not work
 */
export async function checkTensorflow(): Promise<Working> {
  const { path } = installedAddon()
  if (!existsSync(path)) throw new Error('the native addon is missing')
  const probe = fileURLToPath(new URL('../../bin/probe.js', import.meta.url))
  const probed = await runCommand(process.execPath, ['--no-warnings', probe])
  const result = probed.output.split('\n').find((line) => line.startsWith('{'))
  if (probed.code !== 0 || !result) throw new Error(`the native addon does not work: ${lastLine(probed)}`)
  return JSON.parse(result)
}

function installedAddon(): Addon {
  const addon = findAddon()
  if (!addon) throw new Error('@tensorflow/tfjs-node-gpu is not installed; install it beside @alibi/backend')
  return addon
}

function named(folder: string): Libraries {
  const libraries = findLibraries(folder)
  if (!libraries)
    throw new Error(
      `expected a folder with libtensorflow_cc.so.2 (or lib/libtensorflow.so.2), libtensorflow_framework.so.2 and include, got ${folder}`,
    )
  return libraries
}
