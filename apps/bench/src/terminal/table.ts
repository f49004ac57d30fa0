import { markdownTable } from 'markdown-table'

/** A Markdown table whose source lines up, for terminals: names to the left, numbers to the right. */
export const table = (rows: readonly (readonly string[])[]): string[] =>
  markdownTable(rows, { align: rows[0]!.map((_, i) => (i ? 'r' : '')) }).split('\n')
