import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import type { Tokenizer } from './tokenizer.js'

const TOKENIZER = 'tokenizer.json'
const CONFIG = 'tokenizer_config.json'

/**
 * The tokenizer of a folder with a model of Hugging Face transformers.
 *
 * @throws Error, one line, for a folder without a tokenizer.json, or with one that cannot be read
 */
export async function readTokenizer(folder: string): Promise<Tokenizer> {
  const read = (name: string) =>
    readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  const [tokenizer, config] = [await read(TOKENIZER), await read(CONFIG)]
  if (tokenizer === undefined)
    throw new Error(
      `tokenizer: expected a ${TOKENIZER} in ${folder}, got none; save it there with save_pretrained of transformers' AutoTokenizer`,
    )
  const made = parse(folder, tokenizer, config ?? '{}')
  const encode = (text: string, add_special_tokens: boolean) =>
    Int32Array.from(made.encode(text, { add_special_tokens }).ids)
  return {
    kind: 'tokens',
    encode: (text) => encode(new TextDecoder().decode(text), false),
    encodePrompt: (text) => encode(text, true),
    decode: (tokens) => (tokens.length ? made.decode([...tokens], { skip_special_tokens: false }) : ''),
    files: () => ({ [TOKENIZER]: tokenizer, ...(config !== undefined && { [CONFIG]: config }) }),
  }
}

function parse(folder: string, tokenizer: string, config: string): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(JSON.parse(tokenizer), JSON.parse(config))
  } catch (error) {
    throw new Error(`tokenizer: cannot read ${TOKENIZER} in ${folder}: ${(error as Error).message}`, { cause: error })
  }
}
