import { type GenerateOptions, generate, type Model } from '@alibi/transformer'
import type { AskedTrial } from '../data/tasks/asked.js'
import { END, type Trial } from '../data/tasks/task.js'
import type { Tokenizer } from '../data/tokenizer/tokenizer.js'

/** A trial, and what a model reads of it. */
export interface AskedOf {
  readonly trial: Trial
  readonly asked: AskedTrial
}

/**
 * The share of a trial's parts that what is generated at temperature 0 contains, in whatever case: RULER's string match. Of an
 * answer that counts as a whole: 1 if the line that is generated is the answer.
 *
 * @param work - whether a graph decodes, who is told why not, and what stops it
 */
export async function generatedShare(
  model: Model,
  { trial: { answer, parts }, asked }: AskedOf,
  tokenizer: Tokenizer,
  work: Pick<GenerateOptions, 'compile' | 'onFallback' | 'signal'>,
): Promise<number> {
  const tokens: number[] = []
  const textOf = () => tokenizer.decode(Int32Array.from(tokens))
  const share = (text: string) =>
    parts
      ? parts.filter((part) => text.toLowerCase().includes(part.toLowerCase())).length / parts.length
      : Number(text.startsWith(`${answer}${END}`))
  await generate(model, asked.tokens.subarray(0, -asked.answerLength), {
    maxNewTokens: asked.room,
    temperature: 0,
    ...work,
    onToken(token) {
      tokens.push(token)
      const text = textOf()
      return share(text) === 1 || (!parts && text.includes(END)) ? 'stop' : undefined
    },
  })
  return share(textOf())
}
