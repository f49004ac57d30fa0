import { createTextCache, type GrowthOptions, generate } from '@alibi/transformer'
import type { ChatTemplate, Message } from '../checkpoints/chat-template.js'
import type { OpenedCheckpoint } from '../checkpoints/opened.js'
import { roomAfter } from './room.js'
import { writtenText } from './written-text.js'

/** How prompts are answered, and where the answers go. */
export interface Answering {
  /** How tokens are drawn, and how many. */
  readonly drawing: GrowthOptions
  readonly endTokens: readonly number[]
  readonly stop?: readonly string[] | undefined
  /** Makes the prompts a conversation. Absent: each is continued by itself. */
  readonly template?: ChatTemplate | undefined
  readonly write: (text: string) => void
  readonly log: (line: string) => void
  /** Does something that a person may stop: undefined then. */
  readonly work: <T>(doIt: (signal: AbortSignal) => Promise<T>) => Promise<T | undefined>
}

/** Answers one prompt after another. What was read for one is not read again for the next. */
export function createAnswerer(
  { model, tokenizer }: Pick<OpenedCheckpoint, 'model' | 'tokenizer'>,
  { drawing, endTokens, stop, template, write, log, work }: Answering,
): (content: string) => Promise<void> {
  const messages: Message[] = []
  const textCache = createTextCache(model)
  const onFallback = (reason: string) => log(`decodes op by op: ${reason}`)
  return async (content) => {
    const asked: readonly Message[] = [...messages, { role: 'user', content }]
    // The template writes marks itself, those that texts begin with included.
    const prompt = template
      ? tokenizer.encode(Buffer.from(template(asked)), { marked: true })
      : tokenizer.encodePrompt(content)
    const text = writtenText({ tokenizer, prompt, endTokens, stop, write })
    const onToken = (token: number) => text.push(token)
    const maxNewTokens = roomAfter(model, prompt.length, drawing.maxNewTokens, log)
    await work((signal) =>
      generate(model, prompt, { ...drawing, maxNewTokens, endTokens, textCache, signal, onFallback, onToken }),
    )
    text.finish()
    if (!text.text.endsWith('\n')) write('\n')
    messages.splice(0, messages.length, ...asked, { role: 'assistant', content: text.text })
  }
}
