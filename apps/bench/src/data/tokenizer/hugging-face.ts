import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import type { StoredTokenizer, TextMark, Tokenizer } from './tokenizer.js'

export const TOKENIZER = 'tokenizer.json'
export const CONFIG = 'tokenizer_config.json'

/**
 * The tokenizer of a folder with a model of Hugging Face transformers.
 *
 * @throws Error, one line, for a folder without a tokenizer.json, or with one that cannot be read
 */
export async function readTokenizer(folder: string): Promise<StoredTokenizer> {
  const read = (name: string) =>
    readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
  const [tokenizer, config] = [await read(TOKENIZER), await read(CONFIG)]
  if (tokenizer === undefined)
    throw new Error(
      `tokenizer: expected a ${TOKENIZER} in ${folder}, got none; save it there with save_pretrained of transformers' AutoTokenizer`,
    )
  return huggingFaceTokenizer(tokenizer, config, folder)
}

/**
 * The tokenizer of a tokenizer.json.
 *
 * @param tokenizer - what is in it
 * @param config - what is in tokenizer_config.json, if there is one
 * @param where - they were, for messages
 * @throws Error, one line, for one that cannot be read
 */
export function huggingFaceTokenizer(tokenizer: string, config: string | undefined, where: string): StoredTokenizer {
  const made = parse(where, tokenizer, config ?? '{}')
  const encode = (text: string, add_special_tokens: boolean) =>
    Int32Array.from(made.encode(text, { add_special_tokens }).ids)
  const json = JSON.parse(tokenizer)
  const bytesOf = tokenBytes(json)
  const files = { [TOKENIZER]: tokenizer, ...(config !== undefined && { [CONFIG]: config }) }
  return {
    kind: 'tokens',
    vocabularySize: lastId(json) + 1,
    encode: (text) => encode(decode(text), false),
    // At once: what some tokenizers do at the start of a text they must not do at the start of its pieces.
    *encodeInSteps(text) {
      yield 0
      return encode(decode(text), false)
    },
    locate(text) {
      const { ids, tokens } = made.encode(decode(text), { add_special_tokens: false })
      return { tokens: Int32Array.from(ids), byteEnds: byteEnds(tokens.map(bytesOf), text.length) }
    },
    encodePrompt: (text) => encode(text, true),
    decode: (tokens) => (tokens.length ? made.decode([...tokens], { skip_special_tokens: false }) : ''),
    marks: marksOf(json, JSON.parse(config ?? '{}')),
    files: () => files,
    toJSON: () => ({ kind: 'tokens', files }),
  }
}

/** Of its words and pieces, or of what was added to them. */
function lastId({ added_tokens = [], model }: AddedTokens & { readonly model?: { readonly vocab?: object } }): number {
  const vocab = model?.vocab ?? {}
  const ids = Array.isArray(vocab) ? [vocab.length - 1] : (Object.values(vocab) as number[])
  return [...ids, ...added_tokens.map(({ id }) => id)].reduce((last, id) => Math.max(last, id), -1)
}

interface AddedTokens {
  readonly added_tokens?: readonly { readonly id: number; readonly content: string }[]
}

/** By the names that tokenizer_config.json gives them. */
function marksOf({ added_tokens = [] }: AddedTokens, config: Readonly<Record<string, unknown>>): Tokenizer['marks'] {
  const marks: Partial<Record<TextMark, number>> = {}
  for (const mark of ['bos', 'eos'] as const) {
    const named = config[`${mark}_token`]
    const content = typeof named === 'object' && named !== null && 'content' in named ? named.content : named
    const id = added_tokens.find((each) => each.content === content)?.id
    if (id !== undefined) marks[mark] = id
  }
  return marks
}

function parse(where: string, tokenizer: string, config: string): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(JSON.parse(tokenizer), JSON.parse(config))
  } catch (error) {
    throw new Error(`tokenizer: cannot read ${TOKENIZER} in ${where}: ${(error as Error).message}`, { cause: error })
  }
}

/** U+FEFF is a character like others: it is dropped where files are read. */
const decode = (text: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(text)

/** How many bytes a token's text has in UTF-8, by how a tokenizer.json writes it. */
function tokenBytes({ decoder }: { readonly decoder?: object | null }): (token: string) => number {
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
