/** A Markdown table whose source lines up, for terminals. */
export function table([head, ...body]: readonly (readonly string[])[]): string[] {
  const widths = head!.map((title, i) =>
    body.reduce((most, row) => Math.max(most, row[i]!.length), Math.max(3, title.length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`
  return [line(head!), rule, ...body.map(line)]
}
