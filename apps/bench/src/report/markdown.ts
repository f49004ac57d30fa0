import { thousands } from '../progress.js'
import type { Results } from '../results/file.js'
import { type Spread, summarize } from './summary.js'
import { table } from './table.js'

/** The report as Markdown: what was run, and a table of strategies by evaluation lengths. */
export function markdownReport(results: Results): string {
  return [
    '# Train short, test long',
    '',
    describeRun(results),
    '',
    ...resultTable(results),
    '',
    `Perplexity = exp(nats a token) on held-out text, in non-overlapping chunks of the evaluation length${
      results.run.config.seeds.length > 1 ? '; mean ± standard deviation over seeds' : ''
    }. 1× is the train length.`,
    '',
  ].join('\n')
}

/** One row a strategy. */
export function resultTable(results: Results): string[] {
  const { evalLengths, trainLength } = results.run.config
  const heads = evalLengths.map((length) => `${times(length, trainLength)} (${thousands(length)})`)
  const rows = summarize(results).map((row) => [
    row.strategy,
    ...evalLengths.map((length) => perplexity(row.perplexity.get(length))),
    row.trainTokensPerSecond ? thousands(row.trainTokensPerSecond) : '—',
  ])
  return table([['strategy', ...heads, 'train tokens/s'], ...rows])
}

export function describeRun({ run }: Results): string {
  const { config, backend, device, versions, commit } = run
  const versionList = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${config.numLayers} layers, model dimension ${config.modelDim}, ${config.numHeads} heads;`,
    `${thousands(config.steps)} steps of ${config.batchSize} × ${config.trainLength} ${config.tokenizer} of`,
    `${config.data}; seeds ${config.seeds.join(', ')}. Preset ${config.preset}, backend ${backend} on ${device}`,
    `(${versionList.join(', ')})${commit ? `, commit ${commit.slice(0, 12)}${commit.endsWith('-dirty') ? ' with changes' : ''}` : ''}.`,
  ].join(' ')
}

/** e.g. `4×`, `1.5×` */
export const times = (length: number, trainLength: number) => `${Number((length / trainLength).toFixed(2))}×`

function perplexity(value: Spread | undefined): string {
  if (!value) return '—'
  const digits = value.mean >= 100 ? 0 : value.mean >= 10 ? 1 : 3
  const mean = value.mean.toFixed(digits)
  return value.deviation === undefined ? mean : `${mean} ± ${value.deviation.toFixed(digits)}`
}
