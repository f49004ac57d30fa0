import type { Tokenizer } from './tokenizer.js'

/** The tokens that stand at the ends of documents, where there are any. */
export interface DocumentMarks {
  /** The first of a document. */
  readonly before?: number
  /** The last of a document. */
  readonly after?: number
}

/** Texts have no zero bytes. */
const ZERO_BYTE = 0

/**
 * What documents begin and end with: the tokens of a vocabulary that has both, as Llama's, or one before each, as GPT-2's. Of
 * bytes, where documents are packed, a zero. Words have none.
 */
export function documentMarks(
  { kind, marks: { bos, eos } }: Pick<Tokenizer, 'kind' | 'marks'>,
  pack: boolean,
): DocumentMarks {
  if (kind === 'bytes' && pack) return { before: ZERO_BYTE }
  if (kind !== 'tokens') return {}
  const before = bos ?? eos
  if (before === undefined) return {}
  return eos === undefined || eos === before ? { before } : { before, after: eos }
}

/**
 * The token that begins packed documents.
 *
 * @throws Error, one line, for a tokenizer without one
 */
export function packingMark(tokenizer: Pick<Tokenizer, 'kind' | 'marks'>): number {
  const { before } = documentMarks(tokenizer, true)
  if (before === undefined)
    throw new Error(
      `data: expected a tokenizer of bytes, or a tokenizer.json with a token that begins or ends texts, for --pack, got ${tokenizer.kind} without one; tokenizer_config.json beside it names one as bos_token`,
    )
  return before
}

/** The document of each of a row's tokens, by the marks that begin them: for a trainer. */
export const documentIds =
  (mark: number) =>
  (tokens: Int32Array): Int32Array => {
    let document = 0
    return tokens.map((token) => {
      if (token === mark) document += 1
      return document
    })
  }
