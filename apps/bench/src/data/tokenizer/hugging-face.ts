import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { readFileAt } from '../../files/paths.js'
import { readAsRust } from './as-rust.js'
import { marksOf, parseConfig, parseTokenizer, type TokenizerJson } from './hugging-face-json.js'
import { readingMarksAsText } from './special-tokens.js'
import type { Encoding, StoredTokenizer, Tokenizer } from './tokenizer.js'
import { addByteFallback } from './unigram-bytes.js'
import { addWordCache } from './word-cache.js'

export const TOKENIZER = 'tokenizer.json'
export const CONFIG = 'tokenizer_config.json'

/**
 * The tokenizer of a folder with a model of Hugging Face transformers.
 *
 * @throws Error, one line, for a folder without a tokenizer.json, or with one that cannot be read
 */
export async function readTokenizer(folder: string): Promise<StoredTokenizer> {
  if (!existsSync(join(folder, TOKENIZER)))
    throw new Error(
      `tokenizer: expected a ${TOKENIZER} in ${folder}, got none; save it there with save_pretrained of transformers' AutoTokenizer`,
    )
  return readTokenizerFile(join(folder, TOKENIZER))
}

/**
 * The tokenizer of a file, with the tokenizer_config.json that lies beside it, if one does.
 *
 * @throws Error, one line with the file and the field, for one that cannot be read
 */
export async function readTokenizerFile(path: string): Promise<StoredTokenizer> {
  const tokenizer = await readFileAt('tokenizer', path, `a ${TOKENIZER}`)
  const beside = join(dirname(path), CONFIG)
  const config = existsSync(beside) ? (await readFileAt('tokenizer', beside)).toString() : undefined
  return huggingFaceTokenizer(tokenizer.toString(), config, dirname(path), basename(path))
}

/** SHA-256 of all that a tokenizer is made of. */
export const tokenizerHash = (tokenizer: StoredTokenizer): string =>
  createHash('sha256').update(JSON.stringify(tokenizer)).digest('hex')

/**
 * The tokenizer of a tokenizer.json.
 *
 * @param tokenizer - what is in it
 * @param config - what is in tokenizer_config.json, if there is one
 * @param where - they were, for messages
 * @throws Error, one line with the file and the field, for one that cannot be read
 */
export function huggingFaceTokenizer(
  tokenizer: string,
  config: string | undefined,
  where: string,
  name = TOKENIZER,
): StoredTokenizer {
  const json = parseTokenizer(tokenizer, `${name} in ${where}`)
  const named = config === undefined ? undefined : parseConfig(config, `${CONFIG} in ${where}`)
  const made = makeTokenizer(json, named ?? PLAIN, `${name} in ${where}`)
  const ofText = readingMarksAsText(made)
  const encode = (text: string, marked: boolean) => (marked ? made : ofText).encode(text, { add_special_tokens: false })
  const bytesOf = tokenBytes(json.decoder)
  const marks = marksOf(json, named)
  const stored = { [TOKENIZER]: tokenizer, ...(config !== undefined && { [CONFIG]: config }) }
  const newline = encode('\n', false).ids
  /** What some tokenizers do at the start of a text they must not do at the start of its pieces: they follow a line's end. */
  const encodeAfter = (text: string, marked: boolean) => {
    const { ids, tokens } = encode(`\n${text}`, marked)
    if (newline.some((id: number, i: number) => id !== ids[i])) return encode(text, marked)
    return { ids: ids.slice(newline.length), tokens: tokens.slice(newline.length) }
  }
  const encodePiece = (text: Uint8Array, { continues = false, marked = false }: Encoding = {}) =>
    continues ? encodeAfter(decode(text), marked) : encode(decode(text), marked)
  return {
    kind: 'tokens',
    vocabularySize: lastId(json) + 1,
    encode: (text, how) => Int32Array.from(encodePiece(text, how).ids),
    locate(text, how) {
      const { ids, tokens } = encodePiece(text, how)
      return { tokens: Int32Array.from(ids), byteEnds: byteEnds(tokens.map(bytesOf), text.length) }
    },
    encodePrompt: (text) => Int32Array.from(made.encode(text, { add_special_tokens: true }).ids),
    decode: (tokens) => (tokens.length ? made.decode([...tokens], { skip_special_tokens: false }) : ''),
    marks,
    files: () => ({ ...stored, ...(config === undefined && { [CONFIG]: configOf(json, marks) }) }),
    toJSON: () => ({ kind: 'tokens', files: stored }),
  }
}

/** As the library of the file itself reads it: transformers alone takes spaces away. */
const PLAIN = { clean_up_tokenization_spaces: false }

/** A tokenizer_config.json for a tokenizer without one, which transformers cannot do without. */
const configOf = ({ added_tokens }: TokenizerJson, marks: Tokenizer['marks']): string =>
  JSON.stringify({
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...PLAIN,
    ...Object.fromEntries(
      Object.entries(marks).map(([mark, id]) => [
        `${mark}_token`,
        added_tokens?.find((token) => token.id === id)?.content,
      ]),
    ),
  })

/** Of its words and pieces, or of what was added to them. */
function lastId({ added_tokens, model: { vocab } }: TokenizerJson): number {
  const ids = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab)
  return [...ids, ...(added_tokens ?? []).map(({ id }) => id)].reduce((last, id) => Math.max(last, id), -1)
}

function makeTokenizer(json: TokenizerJson, config: object, file: string): HuggingFaceTokenizer {
  try {
    const made = new HuggingFaceTokenizer(json, config)
    readAsRust(made, json)
    addWordCache(made)
    addByteFallback(made)
    return made
  } catch (error) {
    throw new Error(`tokenizer: cannot read ${file}: ${(error as Error).message}`, { cause: error })
  }
}

/** U+FEFF is a character like others: it is dropped where files are read. */
const decode = (text: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(text)

/** How many bytes a token's text has in UTF-8, by how a tokenizer.json writes it. */
function tokenBytes(decoder: unknown): (token: string) => number {
  // One character a byte (GPT-2).
  if (JSON.stringify(decoder ?? {}).includes('"ByteLevel"')) return (token) => [...token].length
  // A space is written ▁, a byte without a token of its own <0x0A> (SentencePiece); ## continues a word (WordPiece).
  return (token) =>
    /^<0x[0-9A-F]{2}>$/.test(token) ? 1 : Buffer.byteLength(token.replaceAll('▁', ' ').replace(/^##/, ''))
}

/**
 * Where tokens of so many bytes end in a text. Together they may have more or fewer bytes than it, where the tokenizer writes
 * a text otherwise: then the difference is shared among them.
 */
function byteEnds(bytes: readonly number[], length: number): Int32Array {
  const total = bytes.reduce((sum, each) => sum + each, 0)
  let end = 0
  return Int32Array.from(bytes, (each) => {
    end += each
    return Math.round((end * length) / total)
  })
}
