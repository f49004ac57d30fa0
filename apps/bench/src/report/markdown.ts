import { checkFindings, type Results } from '@alibi/results'
import { thousands } from '../terminal/format.js'
import { table } from '../terminal/table.js'
import { type ResultTable, resultTables } from './result-tables.js'
import { describeBatches, describeCommit, describeSizes, describeText } from './run-facts.js'

/** The report as Markdown: what was run, and a table for each way of reading held-out text. */
export function markdownReport(results: Results): string {
  const several = results.run.config.seeds.length > 1
  return [
    '# Train short, test long',
    '',
    describeRun(results),
    '',
    ...resultTables(results).flatMap((each) => [`## Perplexity, ${each.reading.name}`, '', ...markdownTable(each), '']),
    `Perplexity = exp(nats a token) on held-out text${several ? '; mean ± standard deviation over seeds' : ''}. 1× is the train length.`,
    'Bold is the best of its column, by a paired test over the seeds; italic are the lowest and those that the seeds do not tell from it. Columns without either: the seeds tell no row from the best.',
    '',
    '## What the paper found',
    '',
    ...checkFindings(results).map(({ claim, verdict, evidence }) => `- **${verdict}**: ${claim}. (${evidence}.)`),
    '',
  ].join('\n')
}

/** The first table, for terminals. */
export const resultTable = (results: Results): string[] => markdownTable(resultTables(results)[0]!)

const MARKED = { best: (text: string) => `**${text}**`, level: (text: string) => `_${text}_` }

const markdownTable = ({ head, body }: ResultTable) =>
  table([head, ...body.map((cells) => cells.map(({ text, mark }) => (mark ? MARKED[mark](text) : text)))])

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
