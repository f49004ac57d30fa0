import { parseFairseqDictionary } from '@alibi/fairseq'
import { z } from 'zod'
import { fairseqTokenizer } from './fairseq.js'
import { CONFIG, huggingFaceTokenizer, TOKENIZER } from './hugging-face.js'
import { byteTokenizer, type StoredTokenizer, wordTokenizer } from './tokenizer.js'
import { UNKNOWN } from './words.js'

const schema = z.union([
  z.object({ kind: z.literal('bytes') }),
  z.object({ kind: z.literal('words'), dictionary: z.string() }),
  z.object({
    kind: z.literal('words'),
    words: z.array(z.string()).refine((words) => words.includes(UNKNOWN) && new Set(words).size === words.length),
    prose: z.boolean().optional(),
  }),
  z.object({
    kind: z.literal('tokens'),
    files: z.object({ [TOKENIZER]: z.string(), [CONFIG]: z.string().optional() }),
  }),
])

/**
 * The tokenizer that a checkpoint keeps.
 *
 * @throws Error, one line, for data that is no tokenizer
 */
export function restoreTokenizer(data: unknown): StoredTokenizer {
  const parsed = schema.safeParse(data)
  if (!parsed.success) throw new Error('checkpoint: expected a tokenizer in its metadata, got none that can be read')
  const stored = parsed.data
  if (stored.kind === 'bytes') return byteTokenizer
  if ('dictionary' in stored) return fairseqTokenizer(parseFairseqDictionary(stored.dictionary))
  if (stored.kind === 'words') return wordTokenizer(stored.words, stored.prose)
  return huggingFaceTokenizer(stored.files[TOKENIZER], stored.files[CONFIG], 'a checkpoint')
}
