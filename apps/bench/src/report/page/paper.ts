import type { Figure } from '@alibi/charts'
import { escapeHtml, htmlFigure, htmlTable } from '@alibi/charts/page'
import { formatPerplexity, orNotFinite, type Results, readingGroups, rowsOf, summarize } from '@alibi/results'
import { thousands } from '../../terminal/format.js'
import { differencesFromPaper } from '../paper/comparable.js'
import { published } from '../paper/published.js'
import type { PaperTable } from '../paper/table.js'
import { paperTables } from '../paper/tables.js'

/** The paper's numbers: beside ours where the setting is the same; else separately, with what does compare. */
export function paperSection(results: Results, courses: readonly Figure[]): string {
  const differences = differencesFromPaper(results.run)
  const comparison = differences.length
    ? `<div class="note" role="note"><p><strong>Perplexities of this run do not compare with the paper's.</strong> Text and model are different. The shapes of the curves, below, do compare.</p><details><summary>What differs (${differences.length})</summary><ul>${differences.map((text) => `<li>${escapeHtml(text)}`).join('')}</ul></details></div>`
    : `<p>The setting is the paper's.</p>${sideBySide(results)}`
  return `${comparison}
${courses.map(htmlFigure).join('\n')}
<div class="paper">
<h3>Tables of the paper</h3>
<p>Press, Smith and Lewis: Train Short, Test Long: Attention with Linear Biases Enables Input Length Extrapolation. ICLR 2022, arXiv 2108.12409v2. The authors' numbers, not this run's.</p>
${paperTables.map(paperTable).join('\n')}
</div>`
}

/** A row for each perplexity that both have. */
function sideBySide(results: Results): string {
  const body = readingGroups(results.evals)
    .filter(({ protocol, windowed }) => protocol !== 'streaming' && !windowed)
    .flatMap((reading) =>
      summarize(results, rowsOf(results), reading).flatMap(({ row, perplexity }) =>
        [...perplexity].flatMap(([length, ours]) =>
          published
            .filter(
              ({ strategy, trainLength, evalLength, stride }) =>
                strategy === row.strategy &&
                trainLength === row.trainLength &&
                evalLength === length &&
                (stride === undefined ? reading.protocol === 'nonoverlapping' : stride === reading.stride),
            )
            .map((paper) => [
              escapeHtml(row.strategy),
              thousands(row.trainLength),
              thousands(length),
              paper.stride === undefined ? 'non-overlapping' : `sliding, stride ${paper.stride}`,
              formatPerplexity(ours),
              paper.perplexity.toFixed(2),
              orNotFinite(ours.mean, (mean) => `${(100 * (mean / paper.perplexity - 1)).toFixed(1)} %`),
              paper.table,
            ]),
        ),
      ),
    )
  const head = [
    'strategy',
    'train length',
    'evaluation length',
    'evaluation',
    'ours',
    'the paper',
    'ours is higher by',
    'its table',
  ]
  return body.length ? htmlTable('Perplexity, ours beside the paper', head, body) : ''
}

function paperTable({ number, title, setting, head, rows }: PaperTable): string {
  const name = `${number.includes(' ') ? 'Tables' : 'Table'} ${number}`
  return `<details><summary>${name}: ${escapeHtml(title)}</summary>${htmlTable(
    `${name} of the paper. ${setting}.`,
    head,
    rows.map((row) => row.map((value, i) => escapeHtml(format(value, head[i]!)))),
  )}</details>`
}

function format(value: string | number | null, column: string): string {
  if (value === null) return '—'
  if (typeof value === 'string') return value
  if (column === 'memory, GB') return value.toFixed(1)
  return Number.isInteger(value) && (value >= 500 || column.endsWith('length')) ? thousands(value) : value.toFixed(2)
}
