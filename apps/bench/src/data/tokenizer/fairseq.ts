import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type FairseqDictionary, fairseqDictionaryOf, parseFairseqDictionary } from '@alibi/fairseq'
import { readFileAt } from '../../files/paths.js'
import { readSource, sourceNamed } from '../sources.js'
import type { ReadOptions } from '../split-text.js'
import type { Encoding, Located, StoredTokenizer } from './tokenizer.js'

/** The name of a word list, which fairseq-preprocess writes beside its data. */
export const DICTIONARY = 'dict.txt'
const [NEWLINE, RETURN] = [10, 13]

/**
 * The words of a fairseq checkpoint, which are not in it: from a dict.txt, or counted in the text it was trained on.
 *
 * @param from - either of them, a file or the name of a text; by default the dict.txt beside the checkpoint
 * @param text - the training text to count words in, where there is no dict.txt
 * @throws Error, one line with what to do, if there is neither, or one of another model
 */
export async function readFairseqWords(
  checkpoint: string,
  from: string | undefined,
  vocabularySize: number,
  read: ReadOptions,
  text?: string,
): Promise<StoredTokenizer> {
  const beside = join(dirname(checkpoint), DICTIONARY)
  const source = from ?? (existsSync(beside) ? beside : text)
  if (source === undefined)
    throw new Error(
      `eval: expected ${DICTIONARY} beside ${basename(checkpoint)}, got none; give it, or the text the model was trained on, with --vocabulary`,
    )
  const dictionary = await readDictionary(source, read)
  if (dictionary.size !== vocabularySize)
    throw new Error(
      `eval: expected ${vocabularySize} words, the rows of the tables of ${basename(checkpoint)}, got ${dictionary.size} in ${source}; it is of another text`,
    )
  return fairseqTokenizer(dictionary)
}

async function readDictionary(source: string, read: ReadOptions): Promise<FairseqDictionary> {
  if (sourceNamed(source)) return fairseqDictionaryOf((await readSource(source, { ...read, trainLength: 1 })).train)
  const bytes = await readFileAt('vocabulary', source, `a ${DICTIONARY} or a text`)
  const firstLine = bytes.subarray(0, Math.max(0, bytes.indexOf(10))).toString()
  return /^\S+ \d+$/.test(firstLine) ? parseFairseqDictionary(bytes.toString()) : fairseqDictionaryOf(bytes)
}

/** fairseq's words as a tokenizer. */
export function fairseqTokenizer(dictionary: FairseqDictionary): StoredTokenizer {
  const { size, encode, locate, decode, endOfLine, toText } = dictionary
  /** A text's last line has its end, also without a newline; that of a piece which goes on has not. */
  const hasExtraEnd = (text: Uint8Array) => text.length > 0 && ![NEWLINE, RETURN].includes(text.at(-1)!)
  const encodePiece = (text: Uint8Array, { goesOn = false }: Encoding = {}) => {
    const ids = encode(text)
    return goesOn && hasExtraEnd(text) ? ids.subarray(0, -1) : ids
  }
  return {
    kind: 'words',
    vocabularySize: size,
    encode: encodePiece,
    locate(text, { goesOn = false } = {}): Located {
      const located = locate(text)
      if (!goesOn || !hasExtraEnd(text)) return located
      return { tokens: located.tokens.subarray(0, -1), byteEnds: located.byteEnds.subarray(0, -1) }
    },
    decode,
    // The end of the last line, if the text does not have it, is what comes next.
    encodePrompt: (text) => Int32Array.of(endOfLine, ...encodePiece(Buffer.from(text), { goesOn: true })),
    marks: { eos: endOfLine },
    files: () => ({ [DICTIONARY]: toText() }),
    toJSON: () => ({ kind: 'words', dictionary: toText() }),
  }
}
