import { selectBackend } from '@alibi/backend'
import { validate } from '@alibi/results'
import { generate } from '@alibi/transformer'
import { Command } from 'commander'
import { z } from 'zod'
import { type ChatTemplate, chatTemplateOf, type Message } from '../checkpoints/chat-template.js'
import { endOfText } from '../checkpoints/end-of-text.js'
import { openCheckpoint } from '../checkpoints/open.js'
import type { OpenedCheckpoint } from '../checkpoints/opened.js'
import { roomAfter } from '../experiment/room.js'
import { writtenText } from '../experiment/written-text.js'
import { thousands } from '../terminal/format.js'
import { plainText } from '../terminal/plain.js'
import { type Prompts, readPrompts } from '../terminal/prompts.js'
import { checkpointHelp } from './options.js'
import { type Continuation, drawing, samplingShape, withContinuation } from './sampling.js'

export function askCommand(): Command {
  const command = new Command('ask')
    .description(
      'Talk with a checkpoint. A line of the terminal, or of a pipe, is a prompt; its answer streams to stdout. If the tokenizer has a chat template, the lines are a conversation; without one, each line is continued by itself, as it is. Ctrl-C stops an answer; a second one, one at the prompt, or Ctrl-D leaves.',
    )
    .argument('<checkpoint>', checkpointHelp)
  return withContinuation(command)
    .option('--no-template', 'continue each line by itself, though the tokenizer has a chat template')
    .action(run)
}

interface Options extends Continuation {
  readonly template: boolean
}

async function run(folder: string, options: Options): Promise<void> {
  validate(z.object(samplingShape), options, 'ask')
  await selectBackend(options.backend)
  const checkpoint = await openCheckpoint(folder, console.error, options)
  const endTokens = options.ignoreEos ? [] : await endOfText(folder, checkpoint)
  const template = options.template ? await chatTemplateOf(folder, checkpoint) : undefined
  const prompts = readPrompts()
  const { strategy, model } = checkpoint
  const how = template ? 'a conversation' : 'each line is continued by itself'
  if (prompts.isTerminal)
    console.error(`${strategy}, ${thousands(model.numParameters)} parameters; ${how}; Ctrl-D leaves`)
  const ask = answerer(checkpoint, { options, endTokens, template, prompts })
  for await (const line of prompts.lines()) {
    if (!line.trim()) continue
    await ask(line).catch((error: Error) => {
      // A person may go on with another line, and need not load the model again.
      if (!prompts.isTerminal) throw error
      console.error(`bench: ${error.message}`)
    })
  }
}

interface Asking {
  readonly options: Options
  readonly endTokens: readonly number[]
  readonly template: ChatTemplate | undefined
  readonly prompts: Prompts
}

/** Answers one prompt after another. */
function answerer({ model, tokenizer }: OpenedCheckpoint, { options, endTokens, template, prompts }: Asking) {
  const messages: Message[] = []
  const write = (text: string) => void process.stdout.write(plainText(text, process.stdout))
  let isSaid = false
  const onFallback = (reason: string) => {
    if (!isSaid) console.error(`decodes op by op: ${reason}`)
    isSaid = true
  }
  return async (content: string): Promise<void> => {
    const asked: readonly Message[] = [...messages, { role: 'user', content }]
    // The template writes the marks that texts begin with itself.
    const prompt = template ? tokenizer.encode(Buffer.from(template(asked))) : tokenizer.encodePrompt(content)
    const text = writtenText({ tokenizer, prompt, endTokens, stop: options.stop, write })
    const onToken = (token: number) => text.push(token)
    const maxNewTokens = roomAfter(model, prompt.length, options.maxNewTokens, console.error)
    await prompts.work((signal) =>
      generate(model, prompt, { ...drawing(options), maxNewTokens, endTokens, signal, onFallback, onToken }),
    )
    text.finish()
    if (!text.text.endsWith('\n')) process.stdout.write('\n')
    messages.splice(0, messages.length, ...asked, { role: 'assistant', content: text.text })
  }
}
