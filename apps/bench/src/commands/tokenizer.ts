import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { validate } from '@alibi/results'
import { Command } from 'commander'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { heldOutStart, openText } from '../data/open-text.js'
import { sourceNamed, sourceNames } from '../data/sources.js'
import type { Piece } from '../data/text-stream.js'
import { trainBytePairs, VOCABULARY_SIZES } from '../data/tokenizer/byte-pairs.js'
import { readTokenizerFile } from '../data/tokenizer/hugging-face.js'
import { inTurns } from '../data/turns.js'
import { makeFolder, pathKind } from '../files/paths.js'
import { thousands } from '../terminal/format.js'
import { interruptSignal } from '../terminal/interrupt.js'
import { number } from './options.js'

export function tokenizerCommand(): Command {
  return new Command('tokenizer')
    .description('Make a vocabulary of byte pairs from a text: a tokenizer.json, for --tokenizer of other commands.')
    .option(
      '--data <name|file|folder>',
      `its training part: ${sourceNames.join(', ')}, or a file or folder`,
      'typescript',
    )
    .option('--vocabulary-size <tokens>', 'bytes, pairs, and the token that begins texts', number, 8192)
    .option('--megabytes <n>', 'of the text at most', number, 1000)
    .option('--out <file>', 'a new one', 'tokenizer.json')
    .action(run)
}

interface Options {
  readonly data: string
  readonly vocabularySize: number
  readonly megabytes: number
  readonly out: string
}

const numbersSchema = z.object({
  vocabularySize: z.int().min(VOCABULARY_SIZES.smallest).max(VOCABULARY_SIZES.largest),
  megabytes: z.number().positive(),
})

/** Bytes of held-out text that are read to see how long tokens are. */
const TRIED = 2 ** 20

async function run({ data, vocabularySize, megabytes, out }: Options): Promise<void> {
  validate(numbersSchema, { vocabularySize, megabytes }, 'tokenizer')
  if (!out.endsWith('.json')) throw new Error(`tokenizer: expected --out with a file that ends in .json, got ${out}`)
  if ((await pathKind('tokenizer', out)) !== 'absent')
    throw new Error(`tokenizer: expected a new file, got ${out}, which exists; give another --out`)
  if (sourceNamed(data)?.task) throw new Error(`tokenizer: expected --data with a text, got ${data}, which is a task`)
  const signal = interruptSignal()
  const read = { log: console.error, signal }
  const text = await openText(data, { ...read, trainLength: 1 })
  await makeFolder('tokenizer', dirname(resolve(out)))
  const folder = await mkdtemp(join(tmpdir(), 'alibi-tokenizer-'))
  try {
    const path = join(folder, 'text')
    const pieces = inTurns(text.train(), 'reading', text.trainBytes, read)
    await pipeline(startOf(pieces, 1e6 * megabytes), createWriteStream(path))
    const { size } = await stat(path)
    if (size === 0) throw new Error(`data: expected text to train on, got none in ${text.description}`)
    console.error(
      `counting pairs in ${size < 1e6 ? `${thousands(size)} bytes` : `${thousands(size / 1e6)} MB`} of ${text.description}`,
    )
    await writeFileAtomic(out, await trainBytePairs(path, vocabularySize, folder, signal))
  } finally {
    await rm(folder, { recursive: true })
  }
  const held = await heldOutStart(text, TRIED)
  const tokens = (await readTokenizerFile(out)).encode(held).length
  const each = tokens ? `${(held.length / tokens).toFixed(2)} bytes of held-out text each` : 'no text held out'
  console.log(`${thousands(vocabularySize)} tokens, ${each}: ${out}`)
}

/** The start of a text, documents joined by newlines. */
async function* startOf(pieces: AsyncIterable<Piece>, most: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const { text, starts } of pieces) {
    if (starts && bytes) yield Buffer.from('\n')
    yield text
    bytes += text.length
    if (bytes >= most) return
  }
}
