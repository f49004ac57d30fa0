import { gzipSync } from 'node:zlib'
import { linesOf, type ResultLine, type Results, resultsText } from '@alibi/results'

/** A file that is inside of the page. */
export interface Download {
  readonly file: string
  /** What it is, in a few words. */
  readonly what: string
  /** As a `data:` URL. */
  readonly url: string
}

/** Lines of training that a page holds: with those of a large sweep, and its losses by position, it would be many megabytes. */
const TRAIN_LINES = 50_000

/** The run's data: its evaluations as a table, and all there is; of a large sweep without its two longest parts. */
export function downloadsOf(results: Results): Download[] {
  const large = results.train.length > TRAIN_LINES
  const gzipped = gzippedLines(linesOf(large ? { ...results, train: [], positions: [] } : results))
  const left = large
    ? `; ${results.train.length.toLocaleString('en-US')} lines of training and ${results.positions.length.toLocaleString('en-US')} of losses by position are in results.jsonl beside this page alone`
    : ''
  return [
    {
      file: 'evaluations.csv',
      what: 'every evaluation of every seed, a table',
      // Digits and commas, which need no base64.
      url: `data:text/csv,${encodeURIComponent(evaluationsCsv(results)).replaceAll('%2C', ',')}`,
    },
    {
      file: 'results.jsonl.gz',
      what: `every line of the results, one JSON object a line, gzipped${left}`,
      url: `data:application/gzip;base64,${gzipped.toString('base64')}`,
    },
  ]
}

/** Lines that are packed at once: files that are packed one after another are one file, and a big one is never all in memory. */
const AT_ONCE = 20_000

function gzippedLines(lines: readonly ResultLine[]): Buffer {
  const parts: Buffer[] = []
  for (let from = 0; from < lines.length; from += AT_ONCE)
    parts.push(gzipSync(resultsText(lines.slice(from, from + AT_ONCE)), { level: 9 }))
  return Buffer.concat(parts)
}

const COLUMNS = [
  ...(['strategy', 'trainLength', 'seed', 'size', 'evalLength', 'protocol', 'stride', 'attentionWindow'] as const),
  ...(['tokens', 'lossNats', 'perplexity', 'bitsPerByte', 'tokensPerSecond', 'peakBytes'] as const),
]

/** All evaluations as CSV (RFC 4180), one a line. */
export function evaluationsCsv({ evals }: Results): string {
  const cell = (value: string | number) =>
    /[",\r\n]/.test(`${value}`) ? `"${`${value}`.replaceAll('"', '""')}"` : value
  const lines = evals.map((line) => COLUMNS.map((column) => cell(line[column] ?? '')).join(','))
  return [COLUMNS.join(','), ...lines, ''].join('\r\n')
}
