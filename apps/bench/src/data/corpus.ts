import { readSource, sourceNamed } from './sources.js'
import type { ReadOptions } from './split-text.js'
import { byteTokenizer, type StoredTokenizer, type Tokenizer, wordTokenizerOf } from './tokenizer/tokenizer.js'

/** Tokens to train on and tokens held out. */
export interface Corpus {
  readonly train: Int32Array
  readonly valid: Int32Array
  readonly tokenizer: StoredTokenizer
  /** Bytes of text a held-out token stands for, on average: 1 for bytes. */
  readonly bytesPerToken: number
  readonly description: string
}

export interface CorpusOptions {
  readonly data: string
  readonly tokenizer: 'bytes' | 'words' | 'prose'
  readonly vocabularySize: number
  /** Ids that the vocabulary must go beyond. */
  readonly adaptiveCutoffs?: readonly number[] | undefined
  readonly trainLength: number
}

/** @throws Error, one line with what to do, for text that cannot be used */
export async function readCorpus(options: CorpusOptions, read: ReadOptions): Promise<Corpus> {
  const { data, trainLength, tokenizer: kind, vocabularySize } = options
  if (sourceNamed(data)?.task && kind !== 'bytes')
    throw new RangeError(`data: expected tokenizer bytes for ${data}, got ${kind}`)
  const { train, valid, description } = await readSource(data, { ...read, trainLength })
  const tokenizer = kind === 'bytes' ? byteTokenizer : wordTokenizerOf(train, vocabularySize, kind)
  const last = options.adaptiveCutoffs?.at(-1) ?? 0
  if (tokenizer.vocabularySize <= last)
    throw new RangeError(
      `data: expected more than ${last} different words, got ${tokenizer.vocabularySize} in ${description}; take more text, or --preset small`,
    )
  const held = tokenizer.encode(valid)
  return {
    train: tokenizer.encode(train),
    valid: held,
    tokenizer,
    bytesPerToken: valid.length / held.length,
    description,
  }
}

/**
 * Refuses lengths that a text cannot fill, before hours are spent.
 *
 * @throws RangeError, one line
 */
export function checkLengths(
  { train, valid, tokenizer }: Pick<Corpus, 'train' | 'valid'> & { readonly tokenizer: Pick<Tokenizer, 'kind'> },
  trainLength: number,
  evalLengths: readonly number[],
): void {
  // One more than the length: each token predicts the one after it.
  const check = (what: string, length: number, tokens: number) => {
    if (tokens < length + 1)
      throw new RangeError(
        `data: expected at least ${length + 1} ${tokenizer.kind} for ${what} length ${length}, got ${tokens}; take a shorter length or more text`,
      )
  }
  check('train', trainLength, train.length)
  for (const length of evalLengths) check('evaluation', length, valid.length)
}
