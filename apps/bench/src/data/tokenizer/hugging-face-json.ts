// What the files of a tokenizer of Hugging Face say, as far as it is read here.
import { validate } from '@alibi/results'
import { z } from 'zod'
import type { TextMark, Tokenizer } from './tokenizer.js'

const id = z.int().min(0)

/** A pre-tokenizer or a normalizer. */
export interface PartJson {
  readonly type?: string | undefined
  /** Of a sequence. */
  readonly pretokenizers?: readonly PartJson[] | undefined
  readonly normalizers?: readonly PartJson[] | undefined
  /** Of Metaspace. */
  readonly replacement?: string | undefined
  readonly split?: boolean | undefined
  /** Of Punctuation. */
  readonly behavior?: string | undefined
  /** Of Digits. */
  readonly individual_digits?: boolean | undefined
  /** Of BertNormalizer. */
  readonly clean_text?: boolean | undefined
  readonly handle_chinese_chars?: boolean | undefined
  readonly lowercase?: boolean | undefined
  readonly strip_accents?: boolean | null | undefined
}

const partSchema: z.ZodType<PartJson> = z.lazy(() =>
  z.looseObject({
    type: z.string().optional(),
    pretokenizers: z.array(partSchema).optional(),
    normalizers: z.array(partSchema).optional(),
    replacement: z.string().min(1).optional(),
    split: z.boolean().optional(),
    behavior: z.string().optional(),
    individual_digits: z.boolean().optional(),
    clean_text: z.boolean().optional(),
    handle_chinese_chars: z.boolean().optional(),
    lowercase: z.boolean().optional(),
    strip_accents: z.boolean().nullish(),
  }),
)

const tokenizerSchema = z.looseObject({
  normalizer: partSchema.nullish(),
  pre_tokenizer: partSchema.nullish(),
  added_tokens: z.array(z.looseObject({ id, content: z.string() })).nullish(),
  model: z.looseObject({
    type: z.string().optional(),
    vocab: z.union([z.record(z.string(), id), z.array(z.tuple([z.string()]).rest(z.number()))], {
      error: 'expected ids of tokens, or a list of tokens',
    }),
    merges: z.array(z.union([z.string(), z.array(z.string())])).optional(),
  }),
})

export type TokenizerJson = z.infer<typeof tokenizerSchema>

/**
 * @param file - its name and folder, for messages
 * @throws Error, one line with the file and the field
 */
export const parseTokenizer = (text: string, file: string): TokenizerJson =>
  validate(tokenizerSchema, parse(text, file), `tokenizer: ${file}`)

/** The same of a tokenizer_config.json. */
export const parseConfig = (text: string, file: string): Readonly<Record<string, unknown>> =>
  validate(z.record(z.string(), z.unknown()), parse(text, file), `tokenizer: ${file}`)

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`tokenizer: expected JSON in ${file}, got: ${(error as Error).message.split('\n')[0]}`)
  }
}

/** What texts begin and end with in vocabularies that do not say it: GPT-2's, Llama 3's, Llama 2's, Gemma's. */
const USUAL: Readonly<Record<TextMark, readonly string[]>> = {
  bos: ['<|endoftext|>', '<|begin_of_text|>', '<s>', '<bos>'],
  eos: ['<|endoftext|>', '<|end_of_text|>', '</s>', '<eos>'],
}

/** By the names that tokenizer_config.json gives them; without one, by the usual names. */
export function marksOf(
  { added_tokens }: TokenizerJson,
  config: Readonly<Record<string, unknown>> | undefined,
): Tokenizer['marks'] {
  const marks: Partial<Record<TextMark, number>> = {}
  for (const mark of ['bos', 'eos'] as const) {
    const named = config?.[`${mark}_token`]
    const content = typeof named === 'object' && named !== null && 'content' in named ? named.content : named
    const names = config ? [content] : USUAL[mark]
    const found = added_tokens?.find((token) => names.includes(token.content))
    if (found) marks[mark] = found.id
  }
  return marks
}
