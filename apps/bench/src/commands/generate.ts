import { selectBackend } from '@alibi/backend'
import { validate } from '@alibi/results'
import { generateBatch } from '@alibi/transformer'
import { Command } from 'commander'
import { z } from 'zod'
import { endOfText } from '../checkpoints/end-of-text.js'
import { openCheckpoint } from '../checkpoints/open.js'
import type { OpenedCheckpoint } from '../checkpoints/opened.js'
import { roomAfter } from '../experiment/room.js'
import { type WrittenText, writtenText } from '../experiment/written-text.js'
import { readFileAt } from '../files/paths.js'
import { createProgress } from '../terminal/board.js'
import { interruptSignal } from '../terminal/interrupt.js'
import { plainText } from '../terminal/plain.js'
import { checkpointHelp, number } from './options.js'
import { type Continuation, collect, drawing, samplingShape, withContinuation } from './sampling.js'

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Continue prompts with a checkpoint. The text of one prompt streams to stdout.')
    .argument('<checkpoint>', checkpointHelp)
    .option('--prompt <text>', "what to continue; may be given again (default: 'function ')", collect)
    .option('--prompts <file>', 'prompts, one a line; empty lines are left out')
    .option('--batch-size <n>', 'prompts that are continued together', number, 8)
  return withContinuation(command)
    .option('--json', 'print a line of JSON for each prompt, when its text has ended')
    .action(run)
}

interface Options extends Continuation {
  readonly prompt?: readonly string[]
  readonly prompts?: string
  readonly batchSize: number
  readonly json?: boolean
}

const schema = z.object({ ...samplingShape, batchSize: z.int().min(1) })

async function run(folder: string, options: Options): Promise<void> {
  validate(schema, options, 'generate')
  const prompts = await promptsOf(options)
  const signal = interruptSignal()
  await selectBackend(options.backend)
  const checkpoint = await openCheckpoint(folder, console.error, options)
  const endTokens = options.ignoreEos ? [] : await endOfText(folder, checkpoint)
  const work = { checkpoint, options, prompts, endTokens, signal }
  for (let from = 0; from < prompts.length; from += options.batchSize) await continueBatch(work, from)
}

/** Those of the command line, then those of the file. */
async function promptsOf({ prompt, prompts: file }: Options): Promise<readonly string[]> {
  if (file === undefined) return prompt ?? ['function ']
  const lines = (await readFileAt('generate', file, 'a file with prompts')).toString('utf8').split(/\r?\n/)
  const prompts = [...(prompt ?? []), ...lines.filter(Boolean)]
  if (!prompts.length) throw new Error(`generate: expected prompts in ${file}, got none`)
  return prompts
}

interface Work {
  readonly checkpoint: OpenedCheckpoint
  readonly options: Options
  readonly prompts: readonly string[]
  readonly endTokens: readonly number[]
  readonly signal: AbortSignal
}

/** Continues the prompts from one on, and prints their texts. */
async function continueBatch({ checkpoint, options, prompts, endTokens, signal }: Work, from: number): Promise<void> {
  const { model, tokenizer } = checkpoint
  const batch = prompts.slice(from, from + options.batchSize)
  const tokens = batch.map((prompt) => tokenizer.encodePrompt(prompt))
  if (tokens.some(({ length }) => !length))
    throw new Error('generate: expected a prompt of at least 1 token, got an empty one')
  const streams = prompts.length === 1 && !options.json
  const write = streams ? (text: string) => void process.stdout.write(plainText(text, process.stdout)) : undefined
  const texts = tokens.map((prompt) => writtenText({ tokenizer, prompt, endTokens, stop: options.stop, write }))
  if (streams) process.stdout.write(batch[0]!)
  const progress = createProgress()
  const longest = Math.max(...tokens.map(({ length }) => length))
  const maxNewTokens = roomAfter(model, longest, options.maxNewTokens, progress.line)
  progress.start('prompt', `${longest.toLocaleString('en-US')} ${tokenizer.kind}`, Math.max(1, longest - 1))
  const ofAll = `${from + 1} to ${from + batch.length} of ${prompts.length}`
  try {
    await generateBatch(model, tokens, {
      ...drawing(options),
      ...{ maxNewTokens, endTokens, signal },
      onFallback: (reason) => progress.line(`decodes op by op: ${reason}`),
      // A prompt that is read at once has no progress to show, and neither has a text that streams.
      onPrefill(done, total) {
        if (done < total) progress.update(done, [])
        else if (streams) progress.stop()
        else progress.start('texts', ofAll, maxNewTokens)
      },
      onToken(token, row) {
        const text = texts[row]!
        const ended = text.push(token)
        if (!streams) progress.update(text.numTokens, [])
        return ended
      },
    })
  } finally {
    progress.stop()
    for (const [i, text] of texts.entries()) {
      text.finish()
      if (streams) process.stdout.write('\n')
      else print(batch[i]!, text, { ...options, isFirst: from + i === 0, isInterrupted: signal.aborted })
    }
  }
}

/** Prints a prompt with its text, after an empty line but for the first; or a line of JSON. */
function print(
  prompt: string,
  { text, end, numTokens }: WrittenText,
  how: Pick<Options, 'json' | 'maxNewTokens'> & { readonly isFirst: boolean; readonly isInterrupted: boolean },
): void {
  const isCut = how.isInterrupted && end === 'length' && numTokens < how.maxNewTokens
  const line = { prompt, text, tokens: numTokens, end: isCut ? 'interrupted' : end }
  const shown = plainText(`${how.isFirst ? '' : '\n'}${prompt}${text}\n`, process.stdout)
  process.stdout.write(how.json ? `${JSON.stringify(line)}\n` : shown)
}
