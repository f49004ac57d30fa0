import { escapeHtml, htmlTable } from '@alibi/charts/page'
import { checkFindings, type Evidence, type Results } from '@alibi/results'
import { rowTags } from '../figures/rows.js'
import { type Cell, resultTables } from '../result-tables.js'

/** A table for each way of reading, the best of each column marked where the seeds bear it out. */
export function resultsSection(results: Results): string {
  const [first, ...others] = resultTables(results).map(({ reading, head, rows }) =>
    htmlTable(
      `Perplexity on held-out text, ${reading.name}`,
      head,
      rows.map(({ row, cells }) =>
        cells.map((cell, i) => (i ? htmlCell(cell) : { html: escapeHtml(cell.text), tags: rowTags(row) })),
      ),
    ),
  )
  const several = results.run.config.seeds.length > 1
  return `${first}
${others.length > 1 ? `<details><summary>${others.length} more tables: other ways of reading</summary>${others.join('\n')}</details>` : others.join('')}
<p class="caption">${several ? 'Means ± standard deviations over seeds; lower is better. ' : 'Lower is better. '}<strong>Bold</strong>: the best of its column, by a paired test over the seeds (95 %, with Holm’s correction). <em>Underlined</em>: the lowest mean and every row that is not significantly different from it. No mark in a column: ${several ? 'no row is significantly different from the best' : 'one seed cannot show a difference'}.`
}

function htmlCell({ text, mark }: Cell): string {
  // A long text among numbers would make its column as wide as three.
  const safe = text.length > 18 ? `<span class="wraps">${escapeHtml(text)}</span>` : escapeHtml(text)
  if (mark === 'best') return `<strong>${safe}</strong><span class="unseen"> best</span>`
  if (mark === 'level') return `<em>${safe}</em><span class="unseen"> not significantly different from the best</span>`
  return safe
}

/** A row for each comparison and what came of it. */
function evidenceTable(evidence: readonly Evidence[]): string {
  const rows = evidence.map(
    ({ compared, result }) => `<tr><th scope="row">${escapeHtml(compared)}<td>${escapeHtml(result)}`,
  )
  return `<table class="words"><thead><tr><th scope="col">compared<th scope="col">result<tbody>${rows.join('')}</table>`
}

/** The paper's findings, each with what this run says of it and the numbers. */
export function findingsSection(results: Results): string {
  const findings = checkFindings(results)
  if (!findings.length) return ''
  const items = findings.map(
    ({ claim, verdict, evidence }) =>
      `<li class="${verdict.replaceAll(/[ ,]+/g, '-')}"><strong>${verdict}</strong> ${escapeHtml(claim)}.${evidenceTable(evidence)}`,
  )
  return `<p class="caption">Judged by paired differences over the seeds of this run. Changes are of perplexity unless a line says otherwise.
<ol class="findings">${items.join('')}</ol>`
}
