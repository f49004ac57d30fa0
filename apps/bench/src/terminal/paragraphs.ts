import wrapAnsi from 'wrap-ansi'

/** Columns of a page that is meant to be read anywhere. */
const COLUMNS = 80

/**
 * A name and text beside it, in lines of at most 80 columns that are broken between words.
 *
 * @param width - columns of the names
 */
export function paragraph(name: string, text: string, width: number): string {
  const lines = wrapAnsi(text, COLUMNS - width).split('\n')
  return lines.map((line, i) => `${(i ? '' : name).padEnd(width)}${line}`.trimEnd()).join('\n')
}
