import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)

/** Where `@tensorflow/tfjs-node-gpu` looks for what upstream's installer would have put there. */
export interface Addon {
  /** The package's folder. */
  readonly folder: string
  /** The compiled binding. */
  readonly path: string
  /** A helper beside it: the compiled `native/stderr.c`. Names of helpers tell their sources, so that another release compiles its own. */
  readonly stderrPath: string
  /** Another: `native/load.c`. */
  readonly loadPath: string
  /** Another: `native/replicas.cc`. */
  readonly replicasPath: string
  /** Another: `native/operations.cc` and what it includes. */
  readonly operationsPath: string
  /** Version of the package. */
  readonly version: string
}

/** Node-API version of the binding: the newest that the package lists; every supported Node has it. */
export const NODE_API = 8

/** @returns undefined if the package is not installed */
export function findAddon(): Addon | undefined {
  let manifest: string
  try {
    manifest = require.resolve('@tensorflow/tfjs-node-gpu/package.json')
  } catch {
    return undefined
  }
  const folder = dirname(manifest)
  if (!existsSync(join(folder, 'binding'))) return undefined
  const compiled = join(folder, 'lib', `napi-v${NODE_API}`)
  const helper = (name: string, isSource: (file: string) => boolean) =>
    join(compiled, `alibi_${name}-${hashOf(isSource)}.node`)
  return {
    folder,
    path: join(compiled, 'tfjs_binding.node'),
    stderrPath: helper('stderr', (name) => name === 'stderr.c'),
    loadPath: helper('load', (name) => name === 'load.c'),
    replicasPath: helper('replicas', (name) => name === 'replicas.cc'),
    operationsPath: helper('operations', isOfOperations),
    version: require(manifest).version,
  }
}

/** A file in `native/`. */
export const nativeSource = (name: string) => fileURLToPath(new URL(`../../native/${name}`, import.meta.url))

/** `operations.cc` and all that it may include. */
const isOfOperations = (name: string) => name === 'operations.cc' || name.endsWith('.h') || name.endsWith('.inc')

/** What tells one version of some files in `native/` from another. */
function hashOf(isSource: (file: string) => boolean): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(nativeSource('')).filter(isSource).sort())
    hash.update(readFileSync(nativeSource(name)))
  return hash.digest('hex').slice(0, 8)
}
