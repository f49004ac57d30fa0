import { createHash } from 'node:crypto'
import type { TokenText } from '@alibi/transformer'
import type { RunConfig } from '../config/schema.js'
import { taskReferenceOf } from '../config/task-reference.js'
import { thousands } from '../terminal/format.js'
import { encodedParts, joined, locatePieces } from './encoded-pieces.js'
import { tellingMarks } from './marks-in-text.js'
import { type OpenText, openText, type TextOptions } from './open-text.js'
import { sourceNamed } from './sources.js'
import type { ReadOptions } from './split-text.js'
import { fingerprintOf } from './tasks/fingerprint.js'
import { openTask } from './tasks/open.js'
import { expectFitting } from './tasks/rows.js'
import type { NamedTask } from './tasks/task.js'
import { cachedTokens, hashOfFiles } from './token-cache.js'
import { documentMarks, packingMark } from './tokenizer/document-marks.js'
import { type FirstToken, tokenOf, withFirst } from './tokenizer/first-token.js'
import { settledTokenizer } from './tokenizer/settings.js'
import {
  byteTokenizer,
  type Located,
  type StoredTokenizer,
  type Tokenizer,
  wordCounter,
} from './tokenizer/tokenizer.js'
import { inTurns } from './turns.js'

/** What models are trained on and tried on: tokens of a text, those held out, or trials of a task. */
export interface Corpus {
  /** Empty for a task: its trials are made as they are needed. Of a large text in a file. */
  readonly train: TokenText
  /** Empty for a task. Of a large text the start, as much as is scored. */
  readonly valid: Located
  readonly task?: NamedTask
  readonly tokenizer: StoredTokenizer
  /** The token that begins each document, where they are packed: none sees another's tokens. */
  readonly documentMark?: number
  readonly description: string
  /** A hash of all that a model reads of it. */
  readonly hash: string
}

export interface CorpusOptions {
  readonly data: string
  readonly tokenizer: 'bytes' | 'words' | 'prose' | 'tokens'
  /** Of tokens, where no model has them. */
  readonly tokenizerFile?: RunConfig['tokenizerFile']
  readonly vocabularySize: number
  /** Ids that the vocabulary must go beyond. */
  readonly adaptiveCutoffs?: readonly number[] | undefined
  readonly trainLength: number
  /** Read before the held-out text. Default none. */
  readonly firstToken?: FirstToken
  /** Whether documents stand for themselves. Default false. */
  readonly pack?: boolean | undefined
  /** Held-out tokens that are scored, and in how long sequences: of a large text no more are read. */
  readonly evalTokens?: number
  readonly evalLengths?: readonly number[]
}

/** How a corpus is read. */
export type CorpusReadOptions = Pick<TextOptions, 'log' | 'signal' | 'inMemory'>

/**
 * @param own - the tokenizer of a model that there is already. Default: it is made as the options say
 * @throws Error, one line with what to do, for text that cannot be used
 */
export async function readCorpus(
  options: CorpusOptions,
  read: CorpusReadOptions,
  own?: StoredTokenizer,
): Promise<Corpus> {
  const { data, trainLength, tokenizer: kind } = options
  const reference = taskReferenceOf(data)
  if ((sourceNamed(data)?.task || reference !== undefined) && kind !== 'bytes')
    throw new RangeError(`data: expected tokenizer bytes for ${data}, got ${kind}`)
  if (reference !== undefined) return taskCorpus(await openTask(reference, read), trainLength)
  const text = await openText(data, { ...read, trainLength, pack: options.pack })
  const tokenizer = own ?? (await tokenizerOf(text, options, read))
  const last = options.adaptiveCutoffs?.at(-1) ?? 0
  if (tokenizer.vocabularySize <= last)
    throw new RangeError(
      `data: expected more than ${last} different words, got ${tokenizer.vocabularySize} in ${text.description}; take more text, or --preset small`,
    )
  // Before the text is encoded, which may take hours.
  tokenOf(options.firstToken ?? 'none', tokenizer)
  const documentMark = options.pack ? packingMark(tokenizer) : undefined
  const encoded = await (text.files ? streamedTokens : tokensInMemory)(text, tokenizer, options, read)
  const { description } = text
  return { ...encoded, tokenizer, description, ...(documentMark !== undefined && { documentMark }) }
}

type Encoded = Pick<Corpus, 'train' | 'valid' | 'hash'>

async function tokensInMemory(
  text: OpenText,
  tokenizer: StoredTokenizer,
  { firstToken = 'none' }: CorpusOptions,
  read: ReadOptions,
): Promise<Encoded> {
  const parts: Int32Array[] = []
  const pieces = tellingMarks(text.train(), tokenizer, read.log)
  for await (const part of encodedParts(inTurns(pieces, 'reading tokens', text.trainBytes, read), tokenizer, {}))
    parts.push(part)
  const train = joined(parts)
  const valid = withFirst(await locatePieces(text.valid(), tokenizer, {}, Infinity), tokenizer, firstToken)
  return { train, valid, hash: hashOf(train, valid, tokenizer) }
}

/** Held-out tokens where nobody says how many are scored. */
const SOME = 2 ** 16

/** The tokens to train on are in a file; of those held out, as many as are read are in memory. */
async function streamedTokens(
  text: OpenText,
  tokenizer: StoredTokenizer,
  { firstToken = 'none', pack = false, evalTokens = SOME, evalLengths = [] }: CorpusOptions,
  read: ReadOptions,
): Promise<Encoded> {
  const marks = text.hasDocuments ? documentMarks(tokenizer, pack) : {}
  const files = await hashOfFiles(text.files!, read)
  const { hasDocuments, trainBytes, description } = text
  const key = hashOfAll([CACHE_VERSION, files, tokenizer, marks, hasDocuments, text.files!.length, trainBytes])
  const pieces = () => tellingMarks(text.train(), tokenizer, read.log)
  const make = () => encodedParts(inTurns(pieces(), 'reading tokens', trainBytes, read), tokenizer, marks)
  const train = await cachedTokens(key, tokenizer.vocabularySize, make, read)
  const enough = Math.max(evalTokens, ...evalLengths) + 1
  const held = await locatePieces(
    inTurns(text.valid(), 'reading held-out tokens', undefined, read),
    tokenizer,
    marks,
    enough,
  )
  if (!train.length || !held.tokens.length)
    throw new Error(
      `data: expected text to train on and text held out, got ${train.length ? 'none held out' : 'none to train on'} in ${description}; take 10 documents or more, or name files as parts (train, valid)`,
    )
  return { train, valid: withFirst(held, tokenizer, firstToken), hash: hashOfAll([key, train.sha256, firstToken]) }
}

/** Other tokens than before for the same files have another. */
const CACHE_VERSION = 3

const hashOfAll = (all: readonly unknown[]) => createHash('sha256').update(JSON.stringify(all)).digest('hex')

function taskCorpus(task: NamedTask, trainLength: number): Corpus {
  const longest = expectFitting(task, 'train', trainLength)
  const none = new Int32Array()
  return {
    train: none,
    valid: { tokens: none, byteEnds: none },
    task,
    tokenizer: byteTokenizer,
    description: `${task.name}, made up, of ${task.shortest} to ${longest} ${task.unit}`,
    hash: fingerprintOf(task, longest, trainLength),
  }
}

/** What models are to be trained on, in a few words. */
export const describeCorpus = ({ task, description, train, tokenizer }: Corpus): string =>
  task ? `task ${description}` : `text ${description}: ${thousands(train.length)} ${tokenizer.kind} to train on`

async function tokenizerOf(
  { train, trainBytes }: OpenText,
  { tokenizer: kind, tokenizerFile, vocabularySize }: CorpusOptions,
  read: ReadOptions,
): Promise<StoredTokenizer> {
  if (kind === 'bytes') return byteTokenizer
  if (kind !== 'tokens') {
    const counter = wordCounter(kind)
    for await (const { text } of inTurns(train(), 'counting words', trainBytes, read)) counter.add(text)
    return counter.tokenizer(vocabularySize)
  }
  if (!tokenizerFile) throw new Error('data: expected the tokenizer of a model, got none')
  return settledTokenizer(tokenizerFile)
}

const hashOf = (train: Int32Array, valid: Located, tokenizer: StoredTokenizer) =>
  createHash('sha256')
    .update(JSON.stringify([tokenizer, train.length]))
    .update(train)
    .update(valid.tokens)
    .update(valid.byteEnds)
    .digest('hex')

/**
 * Refuses lengths that a text cannot fill, before hours are spent.
 *
 * @throws RangeError, one line
 */
export function checkLengths(
  {
    train,
    valid,
    task,
    tokenizer,
    documentMark,
  }: Pick<Corpus, 'train' | 'valid' | 'task' | 'documentMark'> & {
    readonly tokenizer: Pick<Tokenizer, 'kind'>
  },
  trainLength: number,
  evalLengths: readonly number[],
): void {
  if (task) {
    for (const length of evalLengths) expectFitting(task, 'evaluation', length)
    return
  }
  // One more than the length: each token predicts the one after it.
  const check = (what: string, length: number, tokens: number) => {
    if (tokens < length + 1)
      throw new RangeError(
        `data: expected at least ${length + 1} ${tokenizer.kind} for ${what} length ${length}, got ${tokens}; take a shorter length or more text`,
      )
  }
  check('train', trainLength, train.length)
  // A document is scored by itself, however short it is.
  if (documentMark === undefined) for (const length of evalLengths) check('evaluation', length, valid.tokens.length)
  else check('evaluation', 1, valid.tokens.length)
}
