import { join } from 'node:path'
import { readFileIfThere } from '@alibi/transformer/node'
import { Template } from '@huggingface/jinja'
import type { OpenedCheckpoint } from './opened.js'

/** What one side said. */
export interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** Writes a conversation as the model was trained to read it, up to where its answer begins. */
export type ChatTemplate = (messages: readonly Message[]) => string

const FILE = 'chat_template.jinja'
const CONFIG = 'tokenizer_config.json'

/**
 * The chat template of a model: chat_template.jinja in its folder, or else the one in its tokenizer_config.json.
 *
 * @returns undefined for a model that has none
 * @throws Error, one line, for one that cannot be read; the template throws for a conversation that it refuses
 */
export async function chatTemplateOf(
  folder: string,
  { writer, tokenizer }: Pick<OpenedCheckpoint, 'writer' | 'tokenizer'>,
): Promise<ChatTemplate | undefined> {
  const config: Readonly<Record<string, unknown>> = JSON.parse(tokenizer.files()[CONFIG] ?? '{}')
  const file = writer === 'transformers' ? await readFileIfThere(join(folder, FILE)) : undefined
  const source = file?.toString('utf8') ?? ofConfig(config.chat_template)
  if (source === undefined) return undefined
  const where = `${file ? FILE : `chat_template of ${CONFIG}`} of ${folder}`
  const template = attempt(where, () => new Template(source))
  const marks = Object.fromEntries(['bos_token', 'eos_token'].map((name) => [name, markOf(config[name])]))
  return (messages) => attempt(where, () => template.render({ messages, add_generation_prompt: true, ...marks }))
}

/** One template, or several with names. */
function ofConfig(given: unknown): string | undefined {
  const named = Array.isArray(given) ? given.find((each) => each?.name === 'default')?.template : given
  return typeof named === 'string' ? named : undefined
}

/** A token, or an object that has it as its content. */
const markOf = (given: unknown) => (typeof given === 'object' && given && 'content' in given ? given.content : given)

function attempt<T>(where: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const [line] = (error as Error).message.split('\n')
    throw new Error(`ask: expected ${where} to be a template that can be rendered, got: ${line}; try --no-template`)
  }
}
