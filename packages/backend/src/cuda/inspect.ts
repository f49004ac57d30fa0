import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { oneLine } from '../loaded.js'
import { type Addon, findAddon } from '../setup/addon.js'
import { findLibraries } from '../setup/libraries.js'
import { type CudaBuild, readCudaBuild } from './build.js'
import { type Driver, findDriver, type Gpu } from './driver.js'
import { driverProblem, gpuProblem, kernelsFor, WHEEL_CAPABILITIES } from './supported.js'
import { findToolkit, type Toolkit } from './toolkit.js'

const require = createRequire(import.meta.url)

/** A GPU, and whether TensorFlow computes on it. */
export interface CudaGpu extends Gpu {
  /** Whether the build has machine code for it, or PTX that is compiled in the first minutes; undefined: neither. */
  readonly kernels: 'compiled' | 'at first use' | undefined
}

/** A library of CUDA that TensorFlow opens. */
export interface CudaLibrary {
  /** The name TensorFlow asks for. */
  readonly name: string
  /** Where it is; undefined where the system's loader looks for it. */
  readonly path: string | undefined
  /** Why it does not load, in one line; undefined if it does, or where that was not tried. */
  readonly problem: string | undefined
}

/** What computing on NVIDIA's GPUs with TensorFlow would use here, and what it lacks. */
export interface CudaReport {
  /** The driver's version; undefined where there is none that answers. */
  readonly driver: string | undefined
  /** The driver's GPUs. */
  readonly gpus: readonly CudaGpu[]
  /** TensorFlow's build for CUDA, if it is the one that is prepared. */
  readonly build:
    | {
        /** The CUDA version it was built with. */
        readonly version: string | undefined
        /** Kernels it has, e.g. `sm_80`. */
        readonly capabilities: readonly string[]
        /** Its libraries in the order in which they load. */
        readonly libraries: readonly CudaLibrary[]
        /** The folder of ptxas and libdevice, or why XLA is off. */
        readonly xla: Toolkit
      }
    | undefined
  /** What keeps TensorFlow from the GPUs, in one line each; none where there is no driver. */
  readonly problems: readonly string[]
}

/**
 * Looks at the driver, the GPUs and the libraries that TensorFlow would compute with; loads those libraries into this
 * process where there is a driver.
 */
export const inspectCuda = (): CudaReport => inspectAddon(findAddon())

/** @param addon - the binding of TensorFlow.js, and what it was compiled against */
export function inspectAddon(addon: Addon | undefined): CudaReport {
  const build = addon && preparedBuild(addon)
  const found = answeringDriver()
  const capabilities = build?.capabilities ?? WHEEL_CAPABILITIES
  const driver = 'driver' in found ? found.driver : undefined
  const gpus = (driver?.gpus ?? []).map((gpu) => ({ ...gpu, kernels: kernelsFor(gpu, capabilities) }))
  const problems = 'problem' in found ? [found.problem] : []
  if (driver) {
    problems.push(...[driverProblem(driver), ...driver.gpus.map((gpu) => gpuProblem(gpu, capabilities))].filter(isLine))
    if (!build) problems.push(`TensorFlow is ${whatElse(addon)}; ${REMEDY}`)
  }
  if (!build) return { driver: driver?.version, gpus, build, problems }
  const load = driver && loader(addon)
  const libraries = build.libraries.map(({ name, path }) => ({ name, path, problem: load?.(path ?? name) }))
  const xla = findToolkit(build.toolkits)
  if (driver) {
    problems.push(...build.versionProblems)
    for (const { name, problem } of libraries) if (problem) problems.push(`${name} does not load: ${problem}`)
    if ('problem' in xla) problems.push(`XLA is off: ${xla.problem}`)
  }
  const { version } = build
  return { driver: driver?.version, gpus, build: { version, capabilities, libraries, xla }, problems }
}

const REMEDY = 'run `npx alibi-setup-tensorflow --gpu` for the build for CUDA'

/** What there is instead of a build for CUDA. */
function whatElse(addon: Addon | undefined): string {
  if (!addon) return 'not installed'
  return existsSync(addon.path) ? "the processor's build" : 'not prepared'
}

const isLine = (line: string | undefined): line is string => line !== undefined

function answeringDriver(): { readonly driver: Driver | undefined } | { readonly problem: string } {
  try {
    return { driver: findDriver() }
  } catch (error) {
    return { problem: oneLine(error) }
  }
}

/** @returns the build that the binding was compiled against, if it is one for CUDA */
export function preparedBuild({ folder }: Addon): CudaBuild | undefined {
  const libraries = findLibraries(join(folder, 'deps'))
  if (!libraries) return undefined
  const { include, nvidia } = libraries
  // The binding's folder has links to where they were unpacked.
  return readCudaBuild({ include: realpathSync(include), nvidia: nvidia && realpathSync(nvidia) })
}

/**
 * By their full paths, each after what it needs: TensorFlow, which asks for them by name, then finds them loaded, whatever the
 * system's loader would look for.
 *
 * @returns undefined where the helper was not compiled
 */
function loader({ loadPath }: Addon): ((path: string) => string | undefined) | undefined {
  if (!existsSync(loadPath)) return undefined
  const { load } = require(loadPath) as { load(path: string): string | undefined }
  return load
}
