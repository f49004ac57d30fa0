// What tests that make a page's tables again from the results in docs/results share.
import { readFileSync } from 'node:fs'
import { type BySeed, parseResults } from '@alibi/results'

const at = (path: string) => readFileSync(new URL(`../../docs/${path}`, import.meta.url), 'utf8')

/** A page in docs, and the results that it speaks of. */
export function pageOf(name: string) {
  const page = at(name)
  return {
    /** @param results - the name of a file in docs/results */
    kept: (results: string) => parseResults(at(`results/${results}.jsonl`), results),
    /** The cells of the rows below a heading, by the name in the first. */
    rowsBelow(heading: string): Map<string, string[]> {
      const [section] = page.split(`\n## ${heading}\n`)[1]!.split('\n## ')
      const rows = section!
        .split('\n')
        .filter((line) => line.startsWith('| ') && !line.startsWith('| positions') && !line.startsWith('| -'))
        .map((line) =>
          line
            .split('|')
            .slice(1, -1)
            .map((cell) => cell.trim()),
        )
      return new Map(rows.map(([name, ...cells]) => [name!, cells]))
    },
  }
}

export const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length

/** A number of each seed's line at a length. */
export const bySeed = <Line extends { seed: number; evalLength: number }>(
  lines: readonly Line[],
  length: number,
  read: (line: Line) => number,
): BySeed => new Map(lines.filter(({ evalLength }) => evalLength === length).map((line) => [line.seed, read(line)]))
