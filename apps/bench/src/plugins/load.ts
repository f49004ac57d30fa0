import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute } from 'node:path'
import type { StrategyFactory } from '@alibi/strategies'
import { createJiti } from 'jiti'
import { expectFile } from '../files/paths.js'
import { findSource, type PluginKind, strategyKind } from './source.js'

/** What a module of a person's own exports. */
export interface LoadedModule {
  /** As results keep it: a file's absolute path or a package's name, with `#export` if one was named. */
  readonly from: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly exportName: string | undefined
}

/** A strategy's factory that the bench does not have itself. */
export interface LoadedPlugin {
  /** As results and checkpoints keep it: a file's absolute path or a package's name, with `#export` if one was named. */
  readonly from: string
  /** As the person wrote it, for messages. */
  readonly reference: string
  readonly factory: StrategyFactory
}

/**
 * Loads the factory of `<file or package>[#export]`; TypeScript as it is. The module exports a function
 * `({ numHeads, headDim, modelDim, trainLength }) => PositionStrategy`: by default, as its only function, or by the name
 * after `#`.
 *
 * @throws Error, one line, for a module that is not there, does not load, or exports something else
 */
export async function loadPlugin(reference: string): Promise<LoadedPlugin> {
  const { from, exports, exportName } = await loadModule(reference, strategyKind)
  return { from, reference, factory: chooseFactory(reference, exports, exportName) }
}

/**
 * Runs the module that a reference names; TypeScript as it is.
 *
 * @throws Error, one line, for one that is not there or does not load
 */
export async function loadModule(reference: string, kind: PluginKind): Promise<LoadedModule> {
  const { from, path, exportName } = findSource(reference, kind)
  if (isAbsolute(path)) await expectFile(`${kind.word} ${reference}`, path)
  // Nothing is written: a person's folder stays as it was.
  const options = { fsCache: false, interopDefault: false, virtualModules: await missingModules(path) }
  const module = await createJiti(import.meta.url, options)
    .import(path)
    .catch((error: unknown) => {
      // The parser says where on a line of its own.
      const [line, place] = String(error instanceof Error ? error.message : error).split('\n')
      const where = place && /:\d+:\d+$/.test(place.trim()) ? ` at ${place.trim()}` : ''
      throw new Error(`${kind.word} ${reference}: cannot be loaded: ${line!.trim()}${where}`, { cause: error })
    })
  // A CommonJS module may be the function itself.
  const exports = typeof module === 'function' ? { default: module } : { ...(module as Record<string, unknown>) }
  return { from, exports, exportName }
}

/** The strategy packages that the bench has and the plugin's folder has not: a lone file needs no installation. */
async function missingModules(path: string): Promise<Record<string, unknown>> {
  const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const own = ['@alibi/core/conformance', ...Object.keys(dependencies).filter((name) => name.startsWith('@alibi/'))]
  const { resolve } = createRequire(path)
  const missing = own.filter((name) => {
    try {
      return !resolve(name)
    } catch {
      return true
    }
  })
  return Object.fromEntries(await Promise.all(missing.map(async (name) => [name, await import(name)])))
}

function chooseFactory(
  reference: string,
  exported: LoadedModule['exports'],
  exportName: string | undefined,
): StrategyFactory {
  const functions = Object.keys(exported).filter((name) => typeof exported[name] === 'function')
  const chosen = exportName ?? (functions.includes('default') ? 'default' : functions.length === 1 ? functions[0]! : '')
  if (functions.includes(chosen)) return exported[chosen] as StrategyFactory

  const expected = `strategy ${reference}: expected ${exportName ? `an exported function ${exportName}` : 'one exported function'} ({ numHeads, headDim, modelDim, trainLength }) => PositionStrategy`
  if (functions.length)
    throw new Error(
      `${expected}, got functions ${functions.join(', ')}; choose one: ${reference.replace(/#.*/s, '')}#${functions[0]}`,
    )
  const object = Object.keys(exported).find((name) => (exported[name] as { specVersion?: unknown })?.specVersion)
  throw new Error(
    object
      ? `${expected}, got a strategy as ${object}; export the function that makes it`
      : `${expected}, got ${Object.keys(exported).join(', ') || 'no exports'}`,
  )
}
