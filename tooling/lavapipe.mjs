// A second software adapter for WebGPU's kernels, beside the SwiftShader of browsers: Mesa's lavapipe.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPackage } from './debian.mjs'
import { root, run } from './setup.mjs'

const DRIVERS = '/usr/share/vulkan/icd.d'
const PACKAGE = 'mesa-vulkan-drivers'

/** Why there may be none. */
export const NO_LAVAPIPE = `no lavapipe that Dawn takes on this machine: install ${PACKAGE}, 24 or newer (on Debian, \`npm test\` as root does)`

const FILES = ['webgpu-attention', 'kernels', 'global-norm']
/** Each kernel in float64's company; of attention the suite alone, as lavapipe takes a minute and more to compile some larger cases. */
const NAMES = "suite of all kernels|adds up in parts on webgpu|on webgpu computes '(?!(windowed )?attention)"

/** The file by which Vulkan finds it, or undefined. */
function findLavapipe() {
  const name = existsSync(DRIVERS) ? readdirSync(DRIVERS).find((each) => /^lvp_icd.*\.json$/.test(each)) : undefined
  return name === undefined ? undefined : join(DRIVERS, name)
}

/** Installs Debian's package if there is none and this user may. */
export async function prepareLavapipe() {
  if (!findLavapipe()) await installPackage(PACKAGE, NO_LAVAPIPE, { bookworm: 'bookworm-backports' })
}

/** @returns a run of the kernels' tests on it, to an exit code; undefined where there is none that WebGPU finds */
export async function kernelsOnLavapipe() {
  const driver = findLavapipe()
  if (driver === undefined) return undefined
  const env = { VK_DRIVER_FILES: driver }
  if ((await run(process.execPath, [fileURLToPath(import.meta.url), '--device'], env)) !== 0) return undefined
  const files = FILES.map((name) => `packages/transformer/test/${name}.test.ts`)
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  return () => run(process.execPath, [vitest, 'run', ...files, '-t', NAMES], env)
}

if (process.argv[2] === '--device') {
  const { selectBackend } = await import('@alibi/backend')
  const { device } = await selectBackend('webgpu', { software: true })
  console.log(device)
  process.exit(/llvmpipe/i.test(device) ? 0 : 1)
}
