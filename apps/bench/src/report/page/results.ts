import { escapeHtml, htmlTable } from '@alibi/charts/page'
import { checkFindings, type Results } from '@alibi/results'
import { type Cell, resultTables } from '../result-tables.js'

/** A table for each way of reading, the best of each column marked where the seeds bear it out. */
export function resultsSection(results: Results): string {
  const tables = resultTables(results).map(({ reading, head, body }) =>
    htmlTable(
      `Perplexity on held-out text, ${reading.name}`,
      head,
      body.map((cells) => cells.map(htmlCell)),
    ),
  )
  const spread = results.run.config.seeds.length > 1 ? 'Means ± standard deviations over seeds; lower is better. ' : ''
  return `${tables.join('\n')}
<p>${spread}<strong>Bold</strong> is the best of its column, by a paired test over the seeds (95 %, with Holm’s correction); <em>underlined</em> are the lowest and those that the seeds do not tell from it. Where nothing is marked, the seeds tell no row from the best${results.run.config.seeds.length > 1 ? '' : ': one seed cannot'}.</p>`
}

function htmlCell({ text, mark }: Cell): string {
  const safe = escapeHtml(text)
  if (mark === 'best') return `<strong>${safe}</strong><span class="unseen"> best</span>`
  if (mark === 'level') return `<em>${safe}</em><span class="unseen"> not told from the best</span>`
  return safe
}

/** The paper's findings, each with what this run says of it and the numbers. */
export function findingsSection(results: Results): string {
  const items = checkFindings(results).map(
    ({ claim, verdict, evidence }) =>
      `<li class="${verdict.replaceAll(' ', '-')}"><strong>${verdict}</strong> ${escapeHtml(claim)}.<p>${escapeHtml(evidence)}.</p>`,
  )
  return `<p>Judged from the numbers of this run, by paired differences over its seeds; changes are of perplexity.</p>
<ol class="findings">${items.join('')}</ol>`
}
