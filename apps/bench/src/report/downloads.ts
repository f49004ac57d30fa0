import { gzipSync } from 'node:zlib'
import { linesOf, type Results, resultsText } from '@alibi/results'

/** A file that is inside of the page. */
export interface Download {
  readonly file: string
  /** What it is, in a few words. */
  readonly what: string
  /** As a `data:` URL. */
  readonly url: string
}

/** The run's data: its evaluations as a table, and all there is. */
export function downloadsOf(results: Results): Download[] {
  const gzipped = gzipSync(resultsText(linesOf(results)), { level: 9 })
  return [
    {
      file: 'evaluations.csv',
      what: 'every evaluation of every seed, a table',
      url: dataUrl('text/csv', evaluationsCsv(results)),
    },
    {
      file: 'results.jsonl.gz',
      what: 'every line of the results, one JSON object a line, gzipped',
      url: dataUrl('application/gzip', gzipped),
    },
  ]
}

const COLUMNS = [
  ...(['strategy', 'trainLength', 'seed', 'size', 'evalLength', 'protocol', 'stride', 'attentionWindow'] as const),
  ...(['tokens', 'lossNats', 'perplexity', 'bitsPerByte', 'tokensPerSecond', 'peakBytes'] as const),
]

/** As in RFC 4180, a line an evaluation. */
export function evaluationsCsv({ evals }: Results): string {
  const cell = (value: string | number) =>
    /[",\r\n]/.test(`${value}`) ? `"${`${value}`.replaceAll('"', '""')}"` : value
  const lines = evals.map((line) => COLUMNS.map((column) => cell(line[column] ?? '')).join(','))
  return [COLUMNS.join(','), ...lines, ''].join('\r\n')
}

const dataUrl = (type: string, content: string | Uint8Array) =>
  `data:${type};base64,${Buffer.from(content as string).toString('base64')}`
