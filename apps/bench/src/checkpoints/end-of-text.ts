import { join } from 'node:path'
import { readFileIfThere } from '@alibi/transformer/node'
import { z } from 'zod'
import type { OpenedCheckpoint } from './opened.js'

const FIELD = 'eos_token_id'
/** The first that has the field counts, as in transformers. */
const FILES = ['generation_config.json', 'config.json']

/**
 * The tokens that end a text: those of generation_config.json or config.json of a folder of transformers, else the one of the
 * tokenizer. None for bytes, and for words, whose mark ends a line and not a text.
 *
 * @throws Error, one line, for a field that names no token of the model
 */
export async function endOfText(
  folder: string,
  { writer, tokenizer, model }: Pick<OpenedCheckpoint, 'writer' | 'tokenizer' | 'model'>,
): Promise<readonly number[]> {
  const { vocabularySize } = model.config
  const token = z
    .int()
    .min(0)
    .max(vocabularySize - 1)
  const schema = z.union([token.transform((id) => [id]), z.array(token)])
  for (const name of writer === 'transformers' ? FILES : []) {
    const given = await fieldOf(join(folder, name))
    if (given === undefined) continue
    const read = schema.safeParse(given)
    if (read.success) return read.data
    throw new Error(
      `generate: expected ${FIELD} of tokens from 0 to ${vocabularySize - 1} in ${join(folder, name)}, got ${JSON.stringify(given)}; --ignore-eos does without it`,
    )
  }
  return tokenizer.kind === 'tokens' && tokenizer.marks.eos !== undefined ? [tokenizer.marks.eos] : []
}

async function fieldOf(path: string): Promise<unknown> {
  const bytes = await readFileIfThere(path)
  if (!bytes) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))?.[FIELD] ?? undefined
  } catch {
    throw new Error(`generate: expected JSON in ${path}, got other text`)
  }
}
