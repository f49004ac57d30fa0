import { escapeHtml, htmlTable } from '@alibi/charts/page'
import { checkFindings, type Evidence, pairedTest, type Results, reachOf, rowsOf } from '@alibi/results'
import { thousands } from '../../terminal/format.js'
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
  const folded =
    tables.length > 2
      ? `${tables[0]}\n<details><summary>${tables.length - 1} more tables: other ways of reading</summary>${tables.slice(1).join('\n')}</details>`
      : tables.join('\n')
  return `${folded}
<p>${spread}<strong>Bold</strong> is the best of its column, by a paired test over the seeds (95 %, with Holm’s correction); <em>underlined</em> are the lowest mean and every row that is not significantly different from it. Where nothing is marked, no row is significantly different from the best${results.run.config.seeds.length > 1 ? '' : ': one seed cannot show a difference'}.</p>`
}

function htmlCell({ text, mark }: Cell): string {
  const safe = escapeHtml(text)
  if (mark === 'best') return `<strong>${safe}</strong><span class="unseen"> best</span>`
  if (mark === 'level') return `<em>${safe}</em><span class="unseen"> not told from the best</span>`
  return safe
}

/** A sentence a row: how far it reads. */
export function reachList(results: Results): string {
  const items = rowsOf(results).flatMap((row) => {
    const reach = reachOf(results, row)
    if (!reach.size) return []
    const name = `${row.name}, trained at ${thousands(row.trainLength)}`
    return [`<li>${escapeHtml(`${name}: ${describeReach(reach, longestOf(results, row))}`)}.`]
  })
  return items.length ? `<ul>${items.join('')}</ul>` : ''
}

/** @param reach - logarithms of lengths, by seed */
export function describeReach(reach: ReadonlyMap<number, number>, longest: number): string {
  const seeds = reach.size === 1 ? 'one seed' : `${reach.size} seeds`
  const length = (logarithm: number) => thousands(Math.exp(logarithm))
  const values = [...reach.values()]
  if (values.every((value) => Math.exp(value) > longest - 0.5))
    return `perplexity stays within 10 % of that at the train length up to ${thousands(longest)}, the longest that was read (${seeds})`
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const zero = new Map([...reach.keys()].map((seed) => [seed, 0]))
  const test = pairedTest(reach, zero)
  const interval = test ? `95 % interval ${length(test.interval[0])} to ${length(test.interval[1])}, ${seeds}` : seeds
  return `perplexity is 10 % higher than at the train length from ${length(mean)} tokens on (${interval})`
}

const longestOf = ({ evals }: Results, { strategy, trainLength, size }: ReturnType<typeof rowsOf>[number]) =>
  evals.reduce(
    (longest, line) =>
      line.protocol === 'nonoverlapping' &&
      line.attentionWindow === undefined &&
      line.strategy === strategy &&
      line.trainLength === trainLength &&
      line.size === size
        ? Math.max(longest, line.evalLength)
        : longest,
    0,
  )

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
  return `<p>Judged from the numbers of this run, by paired differences over its seeds; changes are of perplexity.</p>
<ol class="findings">${items.join('')}</ol>`
}
