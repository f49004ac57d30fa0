import { selectBackend } from '@alibi/backend'
import { validate } from '@alibi/results'
import { Command } from 'commander'
import { z } from 'zod'
import { chatTemplateOf } from '../checkpoints/chat-template.js'
import { endOfText } from '../checkpoints/end-of-text.js'
import { openCheckpoint } from '../checkpoints/open.js'
import { createAnswerer } from '../experiment/answerer.js'
import { thousands } from '../terminal/format.js'
import { plainText } from '../terminal/plain.js'
import { readPrompts } from '../terminal/prompts.js'
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
  const ask = createAnswerer(checkpoint, {
    drawing: drawing(options),
    ...{ endTokens, stop: options.stop, template, log: console.error, work: prompts.work },
    write: (text) => void process.stdout.write(plainText(text, process.stdout)),
  })
  for await (const line of prompts.lines()) {
    if (!line.trim()) continue
    await ask(line).catch((error: Error) => {
      // A person may go on with another line, and need not load the model again.
      if (!prompts.isTerminal) throw error
      console.error(`bench: ${error.message}`)
    })
  }
}
