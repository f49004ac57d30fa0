import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Addon, NODE_API, nativeSource } from './addon.js'
import { lastLine, runCommand } from './command.js'
import type { Libraries } from './libraries.js'

const require = createRequire(import.meta.url)

/**
 * Compiles the binding's unmodified sources against the libraries that {@link linkLibraries} has linked. Node-API is a stable C
 * interface, so one build serves every Node version, and its headers come from npm: neither Node's headers nor node-gyp are needed.
 *
 * @throws Error, one line with what to do, if there is no compiler or it fails
 */
export async function compileAddon(addon: Addon): Promise<void> {
  const compiler = await findCompiler()
  const sources = (await readdir(join(addon.folder, 'binding'))).filter((name) => name.endsWith('.cc'))
  const binding = sources.map((name) => `binding/${name}`)
  await compileShared(compiler, addon.path, addon.folder, withTensorflow(binding))
}

/** Compiles the way to TensorFlow's distributed runtime, which the binding lacks, against the libraries that it has. */
export const compileReplicas = async ({ replicasPath, folder }: Addon): Promise<void> =>
  compileShared(await findCompiler(), replicasPath, folder, withTensorflow([nativeSource('replicas.cc')]))

/** Compiles our own operations for TensorFlow: for every instruction set that they know, as the processor may change. */
export async function compileOperations({ operationsPath, folder }: Addon): Promise<void> {
  const fast = ['-O3', '-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math']
  const sources = [...fast, ...withTensorflow([nativeSource('operations.cc')])]
  await compileShared(await findCompiler(), operationsPath, folder, sources)
}

/** Compiles the two helpers: one loads the binding without TensorFlow's announcement, the other CUDA's libraries. */
export async function compileHelpers({ stderrPath, loadPath, folder }: Addon): Promise<void> {
  const compiler = await findCompiler()
  await compileShared(compiler, stderrPath, folder, ['-x', 'c', nativeSource('stderr.c')])
  await compileShared(compiler, loadPath, folder, ['-x', 'c', nativeSource('load.c')])
}

/** Compiles C++ against the linked libraries. */
const withTensorflow = (sources: readonly string[]) => [
  ...['-std=c++17', `-DNAPI_VERSION=${NODE_API}`, '-I', 'deps/include'],
  ...sources,
  ...['-Ldeps/lib', '-ltensorflow', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/../../deps/lib'],
]

async function compileShared(compiler: string, path: string, cwd: string, args: readonly string[]): Promise<void> {
  const partial = `${path}.partial`
  await mkdir(dirname(path), { recursive: true })
  const flags = ['-O2', '-fPIC', '-shared', '-w', '-I', require('node-api-headers').include_dir]
  const compiled = await runCommand(compiler, [...flags, ...args, '-o', partial], { cwd })
  if (compiled.code !== 0) {
    await rm(partial, { force: true })
    const reason = compiled.output.split('\n').find((line) => /error/.test(line)) ?? lastLine(compiled)
    throw new Error(`${compiler} could not compile the binding: ${reason.trim()}`)
  }
  await rename(partial, path)
}

async function findCompiler(): Promise<string> {
  for (const compiler of [process.env.CXX ?? 'c++', 'g++', 'clang++']) {
    const version = await runCommand(compiler, ['--version']).catch(() => undefined)
    if (version?.code === 0) return compiler
  }
  throw new Error('no C++ compiler was found; install one (Debian, Ubuntu: apt install g++)')
}

/** `deps/` as the binding expects it, under the names that it and the libraries themselves ask for. */
export async function linkLibraries(folder: string, { include, main, framework, nvidia }: Libraries): Promise<void> {
  const links: [string, string][] = [
    ['include', include],
    ['lib/libtensorflow.so', main],
    ['lib/libtensorflow.so.2', main],
    ['lib/libtensorflow_cc.so.2', main],
    ['lib/libtensorflow_framework.so', framework],
    ['lib/libtensorflow_framework.so.2', framework],
    ...(nvidia ? [['nvidia', nvidia] as [string, string]] : []),
  ]
  const fresh = join(folder, 'deps.partial')
  await rm(fresh, { recursive: true, force: true })
  await mkdir(join(fresh, 'lib'), { recursive: true })
  for (const [name, target] of links) await symlink(target, join(fresh, name))
  await rm(join(folder, 'deps'), { recursive: true, force: true })
  await rename(fresh, join(folder, 'deps'))
}
