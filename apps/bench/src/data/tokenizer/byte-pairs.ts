// Vocabularies of byte pairs (Sennrich et al., 2016), by Hugging Face's library.
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readFileAt } from '../../files/paths.js'
import { byteCharacter, byteLevelParts, tokenizerFiles } from './tokenizer-json.js'

/** What begins texts. */
const END_OF_TEXT = '<|endoftext|>'
/** It and the bytes. */
const FIRST = 257

/**
 * The library's bindings have no option for the size and make 30,000 tokens. Each merge is chosen by the ones before it alone, so
 * that the first of them are those of a smaller vocabulary.
 */
export const VOCABULARY_SIZES = { smallest: FIRST + 1, largest: 30_000 } as const

/**
 * In a process of its own, as it takes minutes at once, which Ctrl-C ends, and prints. Its arguments: the library, a file with
 * the text, and the file to write.
 */
const PROGRAM = `
const [library, text, out] = process.argv.slice(1)
const { BPE, Tokenizer, byteLevelPreTokenizer } = require(library)
const tokenizer = new Tokenizer(BPE.empty())
tokenizer.setPreTokenizer(byteLevelPreTokenizer(false))
tokenizer.train([text])
tokenizer.save(out)
`

/**
 * A byte-level vocabulary as GPT-2's: the bytes, the most frequent pairs, and a token that begins texts.
 *
 * @param text - a file
 * @param folder - for what is written on the way
 * @returns the content of a tokenizer.json
 * @throws RangeError, one line, for a text with fewer different pairs
 */
export async function trainBytePairs(
  text: string,
  vocabularySize: number,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const made = join(folder, 'made.json')
  const require = createRequire(import.meta.url)
  const library = require.resolve('tokenizers')
  await promisify(execFile)(process.execPath, ['-e', PROGRAM, library, text, made], { signal }).catch(
    (error: Error) => {
      signal.throwIfAborted()
      throw new Error(`tokenizer: cannot train on ${text}: ${error.message.trim().split('\n').at(-1)}`, {
        cause: error,
      })
    },
  )
  const { merges } = JSON.parse((await readFileAt('tokenizer', made)).toString()).model as {
    readonly merges: readonly [string, string][]
  }
  if (FIRST + merges.length < vocabularySize)
    throw new RangeError(
      `tokenizer: expected a vocabulary of at most ${FIRST + merges.length} for a text with so many pairs, got ${vocabularySize}; take it or more text`,
    )
  const chosen = merges.slice(0, vocabularySize - FIRST)
  const bytes = Array.from({ length: 256 }, (_, byte) => byteCharacter(byte)).sort()
  const tokens = [END_OF_TEXT, ...bytes, ...chosen.map((pair) => pair.join(''))]
  const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  return tokenizerFiles({
    ...byteLevelParts,
    added_tokens: [{ id: 0, content: END_OF_TEXT, ...special }],
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: chosen,
      fuse_unk: false,
      byte_fallback: false,
    },
  })['tokenizer.json']!
}
