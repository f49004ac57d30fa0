import { thousands } from '../progress.js'
import type { Results } from '../results/file.js'
import { lossChart, perplexityChart } from './charts.js'
import { describeRun, times } from './markdown.js'
import { summarize } from './summary.js'

/** The report as one HTML page that needs no network and fits a phone. */
export function htmlReport(results: Results): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Train short, test long</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
  figure { margin: 1.5rem 0; }
  svg { width: 100%; height: auto; border-radius: 6px; }
  .wide { overflow-x: auto; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
  th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #8886; white-space: nowrap; }
  th:first-child, td:first-child { text-align: left; }
</style>
</head>
<body>
<h1>Train short, test long</h1>
<p>${escapeHtml(describeRun(results))}</p>
<figure>${perplexityChart(results)}</figure>
<div class="wide">${perplexityTable(results)}</div>
<p>Perplexity on held-out text, in non-overlapping chunks of the evaluation length; lower is better. 1× is the train
length. Peak memory is what tensors held at once at the longest evaluation.</p>
<figure>${lossChart(results)}</figure>
<h2>Settings</h2>
<div class="wide"><table>${settings(results)}</table></div>
</body>
</html>
`
}

function perplexityTable(results: Results): string {
  const { evalLengths, trainLength } = results.run.config
  const head = [
    'strategy',
    ...evalLengths.map((length) => `${times(length, trainLength)} (${thousands(length)})`),
    'train tokens/s',
    'evaluation tokens/s',
    'peak MB',
  ]
  const rows = summarize(results).map((row) => [
    row.strategy,
    ...evalLengths.map((length) => {
      const value = row.perplexity.get(length)
      if (!value) return '—'
      return `${value.mean.toPrecision(4)}${value.deviation === undefined ? '' : ` ± ${value.deviation.toPrecision(2)}`}`
    }),
    optional(row.trainTokensPerSecond),
    optional(row.evalTokensPerSecond),
    optional(row.peakBytes && row.peakBytes / 1e6),
  ])
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`
  return `<table><thead>${line(head, 'th')}</thead><tbody>${rows.map((row) => line(row, 'td')).join('')}</tbody></table>`
}

const optional = (value: number | undefined) => (value === undefined ? '—' : thousands(value))

const settings = ({ run }: Results) =>
  Object.entries(run.config)
    .map(([name, value]) => `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml([value].flat().join(', '))}</td></tr>`)
    .join('\n')

const escapeHtml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
