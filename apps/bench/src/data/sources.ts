import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type ArchiveName, readArchive } from './archives.js'
import { readFiles } from './files.js'
import { findFiles } from './found-files.js'
import { type TaskName, taskText } from './retrieval-texts.js'
import { holdOutEnd, type ReadOptions, type SplitText } from './split-text.js'

export interface SourceOptions extends ReadOptions {
  /** The train length of the models that the text is for. Trials of a task fit in it. */
  readonly trainLength: number
}

/** A text that has a name. */
interface Source {
  read(options: SourceOptions): Promise<SplitText>
  /** The task that the text is made of trials of, if it is. */
  readonly task?: TaskName
}

const archive = (name: ArchiveName): Source => ({ read: (options) => readArchive(name, options) })

const task = (name: TaskName): Source => ({ task: name, read: async ({ trainLength }) => taskText(name, trainLength) })

/** Every text that has a name: the one place to add another. Any other `data` is the path of a file or folder. */
const sources: Readonly<Record<string, Source>> = {
  typescript: {
    read: async () => holdOutEnd(await readFile(typescriptSource()), 'the source of the typescript package'),
  },
  'wikitext-103': archive('wikitext-103'),
  'wikitext-2': archive('wikitext-2'),
  enwik8: archive('enwik8'),
  passkey: task('passkey'),
  copy: task('copy'),
}

export const sourceNames: readonly string[] = Object.keys(sources)

/** Undefined for the path of a file or folder. */
export const sourceNamed = (data: string): Source | undefined =>
  Object.hasOwn(sources, data) ? sources[data] : undefined

/**
 * The text that `data` stands for, in memory: one with a name, or a file or folder.
 *
 * @throws Error, one line with what to do, for text that is missing or cannot be used
 */
export const readSource = async (data: string, options: SourceOptions): Promise<SplitText> =>
  sourceNamed(data)?.read(options) ?? readFiles(await findFiles(data, sourceNames, options), options)

/** One real program of 9 MB that the workspace installs anyway, the same bytes everywhere: pinned by the lockfile. */
function typescriptSource(): string {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  return join(dirname(manifest), 'lib/typescript.js')
}
