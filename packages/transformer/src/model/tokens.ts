import { fail } from '@alibi/core'

/** @throws RangeError or TypeError, one line, for anything but rows of tokens, all as long */
export function checkRows(where: string, rows: readonly Int32Array[], vocabularySize: number): void {
  if (!Array.isArray(rows) || !rows.every((row) => row instanceof Int32Array))
    fail(where, 'rows of tokens as an array of Int32Array', rows, TypeError)
  const length = rows[0]?.length ?? 0
  if (!length || rows.some((row) => row.length !== length))
    fail(where, 'rows of one length ≥ 1', `lengths [${rows.map((row) => row.length)}]`)
  for (const row of rows) checkTokens(where, row, vocabularySize)
}

/** @throws RangeError or TypeError, one line, for tokens that the vocabulary does not have */
export function checkTokens(where: string, tokens: Int32Array, vocabularySize: number): void {
  if (!(tokens instanceof Int32Array)) fail(where, 'tokens as an Int32Array', tokens, TypeError)
  const wrong = tokens.find((token) => !(token >= 0 && token < vocabularySize))
  if (wrong !== undefined) fail(where, `tokens from 0 to ${vocabularySize - 1}`, wrong)
}

/** Rows one after another; [N]. */
export function flatten(rows: readonly Int32Array[]): Int32Array {
  const ids = new Int32Array(rows.length * rows[0]!.length)
  rows.forEach((row, i) => {
    ids.set(row, i * row.length)
  })
  return ids
}
