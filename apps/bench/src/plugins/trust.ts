// Whose code may run: what a person named on this machine, as it was then. Results and checkpoints say where a strategy or a
// task came from, and may come from elsewhere: a path in them is a claim.
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import writeFileAtomic from 'write-file-atomic'
import { findSource, type PluginKind, strategyKind } from './source.js'

/** Where the record is kept, a file for each module; `XDG_DATA_HOME` moves it. */
const recordFolder = () =>
  join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'alibi', 'trusted-strategies')

const HOW_TO_NAME = {
  strategy: 'eval, generate and export: --strategy; run and train --resume: --strategies or --strategy',
  task: 'eval: --tasks; run and train --resume: --data',
} as const

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex')

/** The file of a module, whatever export of it is meant, and a hash of what is in it. */
async function moduleOf(reference: string, kind: PluginKind): Promise<{ record: string; hash: string }> {
  const { path } = findSource(reference, kind)
  const file = path.startsWith('file:') ? fileURLToPath(path) : path
  return { record: join(recordFolder(), sha256(file)), hash: sha256(await readFile(file)) }
}

/**
 * Remembers a module that a person named: from now on its name in results and checkpoints is enough, until it changes.
 *
 * @param log - receives a line if it cannot be remembered, which is no reason to stop
 */
export async function rememberModule(reference: string, kind: PluginKind, log: (line: string) => void): Promise<void> {
  try {
    const { record, hash } = await moduleOf(reference, kind)
    await mkdir(recordFolder(), { recursive: true, mode: 0o700 })
    await writeFileAtomic(record, hash)
  } catch (error) {
    log(`${kind.word} ${reference} is not remembered as yours: ${(error as Error).message}`)
  }
}

/**
 * @param from - as results or a checkpoint say it
 * @throws Error, one line with what to do, unless somebody named the file here, and it has not changed since; what is not
 * there is for its loader to say
 */
export async function expectTrusted(name: string, from: string, kind: PluginKind = strategyKind): Promise<void> {
  const module = await moduleOf(from, kind).catch(() => undefined)
  if (!module) return
  const known = await readFile(module.record, 'utf8').catch(() => undefined)
  if (known === module.hash) return
  throw new Error(
    `${kind.word} ${name}: expected one that was named on this machine, got ${from} from a file, ${known === undefined ? 'which never was' : 'which has changed since'}; nothing of it was run. If you trust it, name it (${HOW_TO_NAME[kind.word]})`,
  )
}
