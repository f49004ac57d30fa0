import { escapeHtml } from '@alibi/charts/page'
import {
  type BySeed,
  evalLengthsOf,
  groupBy,
  linesOfRow,
  PLAIN,
  pairedTest,
  type Results,
  type Row,
  reachOf,
  rowsOf,
  trainLengthsOf,
  wasRead,
} from '@alibi/results'
import { thousands } from '../../terminal/format.js'

/** How far each strategy reads, trained at each length. */
export function reachList(results: Results): string {
  const rows = rowsOf(results).flatMap((row) => {
    const reach = reachOf(results, row)
    return reach.size ? [{ row, text: describeReach(reach, row.trainLength, longestOf(results, row)) }] : []
  })
  if (!rows.length) return ''
  const several = trainLengthsOf(rows.map(({ row }) => row)).length > 1
  const items = [...groupBy(rows, ({ row }) => row.name)].map(([name, own]) => {
    const strategy = escapeHtml(own[0]!.row.strategy)
    return `<li data-strategy="${strategy}"><strong>${escapeHtml(name)}${several ? ':' : ''}</strong>${several ? sentences(own) : ` reads ${own[0]!.text}.`}`
  })
  return `<ul class="reach">${items.join('')}</ul>
<p class="caption">A strategy reads up to the length at which perplexity is 10 % higher than at its train length.`
}

/** Train lengths with the same result share one sentence. */
function sentences(own: readonly { readonly row: Row; readonly text: string }[]): string {
  return [...groupBy(own, ({ text }) => text)]
    .map(([text, alike]) => {
      const lengths = alike.map(({ row }) => row.trainLength)
      const tag = lengths.length === 1 ? ` data-train-length="${lengths[0]}"` : ''
      return ` <span${tag}>Trained at ${lengths.map(thousands).join(' or ')}, it reads ${text}.</span>`
    })
    .join('')
}

/**
 * e.g. `up to 71 tokens (95 % interval 68 to 75, 3 seeds)`
 *
 * @param reach - logarithms of lengths, by seed
 * @param longest - length that was evaluated
 */
export function describeReach(reach: BySeed, trainLength: number, longest: number): string {
  const values = [...reach.values()]
  const seeds = values.length === 1 ? 'one seed' : `${values.length} seeds`
  const unknown = values.filter((value) => !Number.isFinite(value)).length
  if (unknown) return `an unknown length: losses are not finite (${unknown} of ${seeds})`
  const beyond = values.filter((value) => Math.exp(value) > longest - 0.5).length
  if (beyond === values.length) return `at least ${thousands(longest)} tokens, the longest length tested (${seeds})`
  const mean = Math.exp(values.reduce((a, b) => a + b, 0) / values.length)
  const test = pairedTest(reach, new Map([...reach.keys()].map((seed) => [seed, 0])))
  const bounds = test && intervalText(test.interval, trainLength, longest)
  return `${beyond ? 'at least' : 'up to'} ${thousands(mean)} tokens (${bounds ? `95 % interval ${bounds}, ` : ''}${seeds})`
}

/** Within the lengths that were evaluated: nothing is known beyond them. */
function intervalText([low, high]: readonly [number, number], trainLength: number, longest: number): string {
  const from = thousands(Math.max(trainLength, Math.exp(low)))
  return Math.exp(high) > longest
    ? `${from} to more than ${thousands(longest)}`
    : `${from} to ${thousands(Math.exp(high))}`
}

const longestOf = ({ evals }: Results, row: Row): number =>
  evalLengthsOf(linesOfRow(evals, row).filter((line) => wasRead(line, PLAIN))).at(-1)!
