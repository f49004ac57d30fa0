import { existsSync, statSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { strategyNames } from '@alibi/strategies'
import { createJiti } from 'jiti'

/** What modules of people's own may hold. */
export interface PluginKind {
  /** In messages. */
  readonly word: 'strategy' | 'task'
  /** Those that need no module. */
  readonly builtIn: readonly string[]
}

export const strategyKind: PluginKind = { word: 'strategy', builtIn: strategyNames }

/** A module with a strategy or a task in it: `<file or package>[#export]`, as on the command line. */
export interface PluginSource {
  /** As results and checkpoints keep it: a file's absolute path or a package's name, and the export if one was named. */
  readonly from: string
  /** The module's file. */
  readonly path: string
  /** Which of its exports. Absent: the default one, or the only function. */
  readonly exportName: string | undefined
}

/**
 * Finds the module that a reference names, from the current folder.
 *
 * @throws Error, one line, if it is not there
 */
export function findSource(reference: string, { word, builtIn }: PluginKind = strategyKind): PluginSource {
  const [, module = '', exportName] = /^(.*?)(?:#([\w$]+))?$/s.exec(reference)!
  const suffix = exportName ? `#${exportName}` : ''
  const path = resolve(module)
  if (
    /^\.{1,2}$|^\.{0,2}[/\\]/.test(module) ||
    isAbsolute(module) ||
    (/\.[cm]?[jt]s$/.test(module) && existsSync(path))
  ) {
    if (!existsSync(path)) throw new Error(`${word} ${reference}: expected a file, got none at ${path}`)
    if (statSync(path).isDirectory())
      throw new Error(`${word} ${reference}: expected a file, got a folder; name its module, e.g. src/index.ts in it`)
    return { from: path + suffix, path, exportName }
  }
  if (word === 'strategy' && /^[A-Za-z]\w*=/.test(module))
    throw new Error(
      `unknown strategy ${reference}; options are divided by colons, e.g. t5-bias:numBuckets=64:maxDistance=256`,
    )
  const here = pathToFileURL(resolve('here'))
  const url = createJiti(here.href).esmResolve(module, { try: true })
  if (!url)
    throw new Error(
      `unknown ${word} ${reference}; known: ${builtIn.join(', ')}; a file’s path begins with ./, and no package ${module} is installed in ${resolve()}`,
    )
  return { from: reference, path: url.startsWith('file:') ? fileURLToPath(url) : url, exportName }
}
