import { checkFindings, EFFECTIVE_SCORE, evidenceText, type Results } from '@alibi/results'
import { thousands } from '../terminal/format.js'
import { table } from '../terminal/table.js'
import { type ResultTable, resultTables } from './result-tables.js'
import { describeBatches, describeCommit, describeSizes, describeText } from './run-facts.js'
import { nameOfTask, taskScores, taskTable } from './task-scores.js'

/** The report as Markdown: what was run, and a table for each way of reading held-out text. */
export function markdownReport(results: Results): string {
  const several = results.run.config.seeds.length > 1
  return [
    '# Train short, test long',
    '',
    escapeMarkdown(describeRun(results)),
    '',
    ...taskScores(results).flatMap((each) => [
      `## Right answers, ${escapeMarkdown(nameOfTask(each))}`,
      '',
      ...table(taskTable(each).map((row) => row.map(escapeMarkdown))),
      '',
    ]),
    ...(results.tasks.length ? [EFFECTIVE, ''] : []),
    ...(results.evals.length || !(results.tasks.length || results.contexts.length)
      ? perplexityParts(results, several)
      : []),
  ].join('\n')
}

const EFFECTIVE = `Effective length: the longest up to which at least ${(100 * EFFECTIVE_SCORE).toFixed(1)} % of answers are right (RULER’s threshold), in tokens; in brackets the same for the ends of Wilson’s 95 % intervals, from the lowest seed’s to the highest’s.`

function perplexityParts(results: Results, several: boolean): string[] {
  return [
    ...resultTables(results).flatMap((each) => [
      `## Perplexity, ${escapeMarkdown(each.reading.name)}`,
      '',
      ...markdownTable(each),
      '',
    ]),
    `Perplexity = exp(nats a token) on held-out text${several ? '; mean ± standard deviation over seeds' : ''}. 1× is the train length.`,
    `Bold: the best of its column, by a paired test over the seeds. Italic: the lowest mean and every row that is not significantly different from it. No mark in a column: ${several ? 'no row is significantly different from the best' : 'one seed cannot show a difference'}.`,
    '',
    '## What the paper found',
    '',
    ...checkFindings(results).map(
      ({ claim, verdict, evidence }) =>
        `- **${verdict}**: ${escapeMarkdown(claim)}. (${escapeMarkdown(evidenceText(evidence))}.)`,
    ),
    '',
  ]
}

/** The first table, for terminals. */
export const resultTable = (results: Results): string[] => plainTable(resultTables(results)[0]!)

/** What a run came to, for terminals: that table, or one for each task, and what it is of. */
export function resultText(results: Results): string[] {
  if (results.evals.length || !results.tasks.length)
    return ['perplexity on held-out text by evaluation length', '', ...resultTable(results)]
  return taskScores(results).flatMap((each, i) => [
    ...(i ? [''] : []),
    `right answers of ${nameOfTask(each)} by length in tokens`,
    '',
    ...table(taskTable(each)),
  ])
}

const MARKED = { best: (text: string) => `**${text}**`, level: (text: string) => `_${text}_` }

/** Text that Markdown shows as it is: no tag, link, emphasis, code or cell begins in it. */
export const escapeMarkdown = (text: string) =>
  text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_{}[\]<>|~#&!]/g, (character) => `\\${character}`)

const markdownTable = ({ head, rows }: ResultTable) =>
  table([
    head.map(escapeMarkdown),
    ...rows.map(({ cells }) =>
      cells.map(({ text, mark }) => (mark ? MARKED[mark](escapeMarkdown(text)) : escapeMarkdown(text))),
    ),
  ])

/** The table for terminals, which do not render Markdown. */
const plainTable = ({ head, rows }: ResultTable) =>
  table([head, ...rows.map(({ cells }) => cells.map(({ text, mark }) => (mark ? MARKED[mark](text) : text)))])

function describeRun({ run }: Results): string {
  const { config, backend, device, versions } = run
  const { steps, seeds, preset } = config
  const training = [steps && `${thousands(steps)} steps of`, describeBatches(run), describeText(run)]
  const versionList = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  const machine = [`backend ${backend} on ${device}`, ...(versionList.length ? [`(${versionList.join(', ')})`] : [])]
  const facts = [describeSizes(run), training.filter(Boolean).join(' '), `seeds ${seeds.join(', ')}`]
  const how = [typeof preset === 'string' && `preset ${preset}`, machine.join(' '), describeCommit(run)]
  return `${facts.filter(Boolean).join('; ')}; ${how.filter(Boolean).join(', ')}.`
}
