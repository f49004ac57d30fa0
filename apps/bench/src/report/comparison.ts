import {
  type Comparison,
  type CostName,
  formatMean,
  orNotFinite,
  otherText,
  type PerplexityDifference,
  percent,
  type Row,
  readingGroups,
  trainLengthsOf,
  wasRead,
} from '@alibi/results'
import { thousands } from '../terminal/format.js'
import { table } from '../terminal/table.js'

/** The comparison for a terminal of 80 columns. */
export function comparisonText(comparison: Comparison): string {
  const { settings, perplexity, costs, onlyA, onlyB } = comparison
  const other = otherText(settings)
  const sections = [
    settings.length
      ? ['settings that differ', '', ...settingsTable(comparison)]
      : ['every setting, version and machine is the same'],
    other.length ? [`Perplexities compare only on the same tokens: ${other.join(', ')} differ.`] : [],
    ...perplexityTables(perplexity),
    perplexity.length ? legend(perplexity) : ['no model was evaluated in the same way by both'],
    costs.length
      ? ['costs (memory of training: where cells had processes of their own)', '', ...costsTable(comparison)]
      : [],
    onlyA.length ? [`only in A: ${onlyA.map(describeRow).join(', ')}`] : [],
    onlyB.length ? [`only in B: ${onlyB.map(describeRow).join(', ')}`] : [],
  ]
  return sections
    .filter((lines) => lines.length)
    .map((lines) => lines.join('\n'))
    .join('\n\n')
}

const describeRow = ({ name, trainLength }: Row) => `${name} L${trainLength}`

const settingsTable = ({ settings }: Comparison) =>
  table([
    ['setting', 'A', 'B'],
    ...settings.map(({ name, a, b }) => [fit(name, 20), ...[a, b].map((value) => fit(show(value), 24))]),
  ])

function show(value: unknown): string {
  if (value === undefined || value === null) return '—'
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : `${value}`
}

const fit = (text: string, width: number) => (text.length > width ? `${text.slice(0, width - 1)}…` : text)

/** One table for each way of reading and train length. */
function perplexityTables(all: readonly PerplexityDifference[]): string[][] {
  const lines = all.map((difference) => ({ ...difference, trainLength: difference.of.a.trainLength }))
  return readingGroups(lines).flatMap((reading) =>
    trainLengthsOf(lines).flatMap((trainLength) => {
      const own = lines.filter((line) => line.trainLength === trainLength && wasRead(line, reading))
      if (!own.length) return []
      const { a, b } = own[0]!.of
      const trained = a.trainLength === b.trainLength ? `${a.trainLength}` : `A ${a.trainLength}, B ${b.trainLength}`
      const body = own.map(({ of, evalLength, a, b, differenceNats, test, counts }) => [
        ...[rowName(of), thousands(evalLength), formatMean(a.mean), formatMean(b.mean)],
        `${percent(differenceNats)}${counts ? ' *' : ''}`,
        test ? formatP(test.p) : '—',
      ])
      return [
        [
          ...[`perplexity, ${reading.name}; train length ${trained}`, ''],
          ...table([['strategy', 'length', 'A', 'B', 'B against A', 'p'], ...body]),
        ],
      ]
    }),
  )
}

const rowName = ({ a, b }: PerplexityDifference['of']) => fit(a.name === b.name ? a.name : `${a.name} → ${b.name}`, 24)

const formatP = (p: number) => (p < 0.001 ? '<0.001' : p.toFixed(3))

function legend(differences: readonly PerplexityDifference[]): string[] {
  const common = differences.map(({ test }) => test?.pairs ?? 0)
  const least = common.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const most = common.reduce((a, b) => Math.max(a, b), 0)
  if (most === 0) return ['Fewer than two seeds in common: no difference can be tested.']
  const seeds = least === most ? `${most} seeds in common` : `up to ${most} seeds in common`
  return [
    `* significant at 95 %: paired test over ${seeds}, Holm's correction for`,
    `${differences.length} differences. Without *: not significantly different.`,
  ]
}

const COSTS: Record<CostName, { readonly label: string; readonly show: (value: number) => string }> = {
  trainTokensPerSecond: { label: 'train tokens/s', show: thousands },
  evalTokensPerSecond: { label: 'eval tokens/s', show: thousands },
  trainPeakBytes: { label: 'train memory', show: (bytes) => megabytes(bytes) },
  peakBytes: { label: 'eval memory', show: (bytes) => megabytes(bytes) },
}

const megabytes = (bytes: number) =>
  orNotFinite(bytes, (finite) => `${(finite / 1e6).toFixed(finite < 1e8 ? 1 : 0)} MB`)

const costsTable = ({ costs }: Comparison) =>
  table([
    ['strategy', 'train length', 'cost', 'A', 'B', 'B against A'],
    ...costs.map(({ of, cost, a, b }) => [
      ...[fit(rowName(of), 14), `${of.a.trainLength}`, COSTS[cost].label],
      ...[a, b].map(({ mean }) => COSTS[cost].show(mean)),
      percent(Math.log(b.mean / a.mean)),
    ]),
  ])
