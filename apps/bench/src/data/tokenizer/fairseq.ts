import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type FairseqDictionary, fairseqDictionaryOf, parseFairseqDictionary } from '@alibi/fairseq'
import { readFileAt } from '../../files/paths.js'
import { readSource, sourceNamed } from '../sources.js'
import type { ReadOptions } from '../split-text.js'
import type { Tokenizer } from './tokenizer.js'

/** The name of a word list, which fairseq-preprocess writes beside its data. */
const DICTIONARY = 'dict.txt'

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
): Promise<Tokenizer> {
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
  return tokenizerOf(dictionary)
}

async function readDictionary(source: string, read: ReadOptions): Promise<FairseqDictionary> {
  if (sourceNamed(source)) return fairseqDictionaryOf((await readSource(source, { ...read, trainLength: 1 })).train)
  const bytes = await readFileAt('vocabulary', source, `a ${DICTIONARY} or a text`)
  const firstLine = bytes.subarray(0, Math.max(0, bytes.indexOf(10))).toString()
  return /^\S+ \d+$/.test(firstLine) ? parseFairseqDictionary(bytes.toString()) : fairseqDictionaryOf(bytes)
}

function tokenizerOf(dictionary: FairseqDictionary): Tokenizer {
  const { encode, locate, decode, endOfLine, toText } = dictionary
  return {
    kind: 'words',
    encode,
    locate,
    decode,
    encodePrompt(text) {
      const ids = encode(Buffer.from(text))
      // The end of the last line, if the text does not have it, is what comes next.
      return Int32Array.of(endOfLine, ...(/[\r\n]$/.test(text) ? ids : ids.subarray(0, -1)))
    },
    marks: { eos: endOfLine },
    files: () => ({ [DICTIONARY]: toText() }),
  }
}
