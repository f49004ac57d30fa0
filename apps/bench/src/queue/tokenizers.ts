// A tokenizer's files travel as texts do, by the hash that settings have of it.
import { dirname, join } from 'node:path'
import type { RunConfig } from '../config/schema.js'
import { CONFIG, TOKENIZER } from '../data/tokenizer/hugging-face.js'
import { settledTokenizer } from '../data/tokenizer/settings.js'
import { ignoringAbsence } from './absent.js'
import type { Store } from './store.js'

type TokenizerFile = NonNullable<RunConfig['tokenizerFile']>

const keyOf = ({ sha256 }: TokenizerFile, name: string) => `tokenizers/${sha256}/${name}`

export async function storeTokenizer(store: Store, file: TokenizerFile): Promise<void> {
  if ((await store.read(keyOf(file, TOKENIZER))) !== undefined) return
  await ignoringAbsence(() => store.put(keyOf(file, CONFIG), join(dirname(file.path), CONFIG)), undefined)
  // Last, so that whoever finds it finds all.
  await store.put(keyOf(file, TOKENIZER), file.path)
}

/**
 * Where a tokenizer is on this machine: where the sweep had it, or in a folder that it is fetched into.
 *
 * @param folder - of this machine's tokenizers
 * @throws Error, one line, where neither this machine nor the store has it
 */
export async function fetchTokenizer(store: Store | undefined, file: TokenizerFile, folder: string): Promise<string> {
  const { path, sha256 } = file
  const isThere = (at: string) =>
    settledTokenizer({ path: at, sha256 }).then(
      () => true,
      () => false,
    )
  if (await isThere(path)) return path
  const own = join(folder, sha256, TOKENIZER)
  if (await isThere(own)) return own
  await store?.get(keyOf(file, CONFIG), join(dirname(own), CONFIG))
  if (!(await store?.get(keyOf(file, TOKENIZER), own)))
    throw new Error(
      `tokenizer: expected ${path} as the sweep has it, with the hash ${sha256}, here or in the store, got ${store ? 'neither' : 'no --store'}`,
    )
  await settledTokenizer({ path: own, sha256 })
  return own
}
