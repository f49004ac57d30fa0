import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { RunConfig } from '../config/schema.js'
import { taskReferenceOf } from '../config/task-reference.js'
import { thousands } from '../terminal/format.js'
import { readSource, sourceNamed } from './sources.js'
import type { ReadOptions } from './split-text.js'
import { fingerprintOf } from './tasks/fingerprint.js'
import { openTask } from './tasks/open.js'
import { expectFitting } from './tasks/rows.js'
import type { NamedTask } from './tasks/task.js'
import { textPieces } from './text-pieces.js'
import { type FirstToken, withFirst } from './tokenizer/first-token.js'
import { settledTokenizer } from './tokenizer/settings.js'
import {
  byteTokenizer,
  type Located,
  type StoredTokenizer,
  type Tokenizer,
  wordCounter,
} from './tokenizer/tokenizer.js'

/** What models are trained on and tried on: tokens of a text, those held out, or trials of a task. */
export interface Corpus {
  /** Empty for a task: its trials are made as they are needed. */
  readonly train: Int32Array
  /** Empty for a task. */
  readonly valid: Located
  readonly task?: NamedTask
  readonly tokenizer: StoredTokenizer
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
}

/**
 * @param own - the tokenizer of a model that there is already. Default: it is made as the options say
 * @throws Error, one line with what to do, for text that cannot be used
 */
export async function readCorpus(options: CorpusOptions, read: ReadOptions, own?: StoredTokenizer): Promise<Corpus> {
  const { data, trainLength, tokenizer: kind } = options
  const reference = taskReferenceOf(data)
  if ((sourceNamed(data)?.task || reference !== undefined) && kind !== 'bytes')
    throw new RangeError(`data: expected tokenizer bytes for ${data}, got ${kind}`)
  if (reference !== undefined) return taskCorpus(await openTask(reference, read), trainLength)
  const { train, valid, description } = await readSource(data, { ...read, trainLength })
  const tokenizer = own ?? (await tokenizerOf(train, options, read))
  const last = options.adaptiveCutoffs?.at(-1) ?? 0
  if (tokenizer.vocabularySize <= last)
    throw new RangeError(
      `data: expected more than ${last} different words, got ${tokenizer.vocabularySize} in ${description}; take more text, or --preset small`,
    )
  const tokens = await encode(train, tokenizer, read)
  const held = withFirst(tokenizer.locate(valid), tokenizer, options.firstToken ?? 'none')
  return { train: tokens, valid: held, tokenizer, description, hash: hashOf(tokens, held, tokenizer) }
}

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
  train: Uint8Array,
  { tokenizer: kind, tokenizerFile, vocabularySize }: CorpusOptions,
  read: ReadOptions,
): Promise<StoredTokenizer> {
  if (kind === 'bytes') return byteTokenizer
  if (kind !== 'tokens') {
    const counter = wordCounter(kind)
    await inTurns(train, 'counting words', read, counter.add)
    return counter.tokenizer(vocabularySize)
  }
  if (!tokenizerFile) throw new Error('data: expected the tokenizer of a model, got none')
  return settledTokenizer(tokenizerFile)
}

async function encode(text: Uint8Array, tokenizer: StoredTokenizer, read: ReadOptions): Promise<Int32Array> {
  const parts: Int32Array[] = []
  await inTurns(text, 'reading tokens', read, (piece) => {
    parts.push(tokenizer.encode(piece, parts.length > 0))
  })
  return joined(parts)
}

function joined(parts: readonly Int32Array[]): Int32Array {
  if (parts.length === 1) return parts[0]!
  const all = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let end = 0
  for (const part of parts) {
    all.set(part, end)
    end += part.length
  }
  return all
}

const hashOf = (train: Int32Array, valid: Located, tokenizer: StoredTokenizer) =>
  createHash('sha256')
    .update(JSON.stringify([tokenizer, train.length]))
    .update(train)
    .update(valid.tokens)
    .update(valid.byteEnds)
    .digest('hex')

const SAY_EVERY_MS = 5000

/** Does work on a text piece by piece: says how far it is, and stops between pieces when it is aborted. */
async function inTurns(
  text: Uint8Array,
  what: string,
  { log, signal }: ReadOptions,
  work: (piece: Uint8Array) => void,
): Promise<void> {
  let said = Date.now()
  let done = 0
  for await (const piece of textPieces([text])) {
    work(piece)
    done += piece.length
    await setImmediate()
    signal?.throwIfAborted()
    if (Date.now() - said < SAY_EVERY_MS) continue
    said = Date.now()
    log(`${what}: ${Math.floor(done / 1e6)} of ${Math.ceil(text.length / 1e6)} MB`)
  }
}

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
  }: Pick<Corpus, 'train' | 'valid' | 'task'> & {
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
  for (const length of evalLengths) check('evaluation', length, valid.tokens.length)
}
