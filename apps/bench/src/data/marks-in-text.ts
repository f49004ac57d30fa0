import type { Piece } from './text-stream.js'
import type { Tokenizer } from './tokenizer/tokenizer.js'

/**
 * The pieces of a text, and a line about the name of a token that begins or ends texts in it, which is text like others: whoever
 * put it between documents meant something else.
 *
 * @param log - receives it, once
 */
export async function* tellingMarks(
  pieces: AsyncIterable<Piece>,
  { kind, marks, decode }: Pick<Tokenizer, 'kind' | 'marks' | 'decode'>,
  log: (line: string) => void,
): AsyncGenerator<Piece> {
  const names = kind === 'tokens' ? [...new Set(Object.values(marks))].map((id) => decode(Int32Array.of(id))) : []
  let isTold = false
  for await (const piece of pieces) {
    const found = isTold
      ? undefined
      : names.find((name) => Buffer.from(piece.text.buffer, piece.text.byteOffset, piece.text.length).includes(name))
    if (found !== undefined) {
      log(
        `the text has ${found} in it, which is read as text, not as that token; documents are records of JSON Lines or files of a folder`,
      )
      isTold = true
    }
    yield piece
  }
}
