import { markdownTable } from 'markdown-table'
import type { Compared } from './compare.js'
import type { Absent, Size } from './contestant.js'
import { median, type Outcome } from './duel.js'
import { growth } from './evaluation.js'

/** e.g. `12,345` */
export const thousands = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Names to the left, numbers to the right. */
export const table = (rows: readonly (readonly string[])[]): string[] =>
  markdownTable(rows, { align: rows[0]!.map((_, i) => (i ? 'r' : '')) }).split('\n')

/** Who did not take part, as rows below a table. */
const absentRows = (absent: readonly Absent[]): string[] => absent.map(({ name, reason }) => `| ${name} | ${reason} |`)

/** A comparison as the tables show it. */
type Shown = Pick<Compared, 'outcomes' | 'absent'>

/** Passes or tokens without gradients. */
export const forwardTable = (what: string, unit: string, { outcomes, absent }: Shown): string[] => [
  ...table([
    [what, `ms a ${unit}`, 'best ms', 'time ÷ ours'],
    ...outcomes.map(({ name, seconds, ratio }) => [
      name,
      (1000 * median(seconds)).toFixed(2),
      (1000 * Math.min(...seconds)).toFixed(2),
      spread(ratio),
    ]),
  ]),
  ...absentRows(absent),
]

/** @param ceiling - GFLOP/s of a large product; without it there is no share of it */
export function stepTable(size: Size, { outcomes, absent }: Shown, ceiling?: number): string[] {
  const tokens = size.batch * size.length
  const gigaflop = gigaflopOfStep(size)
  const rows = outcomes.map(({ name, seconds, ratio }) => {
    const time = median(seconds)
    return [
      name,
      (1000 * time).toFixed(1),
      (1000 * Math.min(...seconds)).toFixed(1),
      thousands(tokens / time),
      (gigaflop / time).toFixed(0),
      ...(ceiling ? [`${((100 * gigaflop) / time / ceiling).toFixed(0)} %`] : []),
      spread(ratio),
    ]
  })
  const head = [
    `step at ${size.name}`,
    'ms',
    'best ms',
    'tokens/s',
    'GFLOP/s',
    ...(ceiling ? ['of product'] : []),
    'time ÷ ours',
  ]
  return [...table([head, ...rows]), ...absentRows(absent)]
}

/** Operations of a training step: 6 for each weight and token, and attention's. */
export function gigaflopOfStep({ batch, length, vocabulary, layers, dim }: Size): number {
  const parameters = vocabulary * dim + layers * 12 * dim ** 2
  return (batch * length * (6 * parameters + 12 * layers * dim * length)) / 1e9
}

/** The most memory that was resident in each process; ours first. */
export interface Peaks {
  readonly size: Size
  readonly peaks: readonly { readonly name: string; readonly peakBytes: number }[]
  readonly absent: readonly Absent[]
}

export function memoryTable({ size, peaks, absent }: Peaks): string[] {
  const rows = peaks.map(({ name, peakBytes }) => [
    name,
    thousands(peakBytes / 2 ** 20),
    (peakBytes / peaks[0]!.peakBytes).toFixed(2),
  ])
  const head = [`training at ${size.length}`, 'MiB resident at most', 'memory ÷ ours']
  return [...table([head, ...rows]), ...absentRows(absent)]
}

/** The first is what the others are compared with. */
export const strategyTable = (outcomes: readonly Outcome[]): string[] =>
  table([
    ['strategy', 'ms', `rate ÷ ${outcomes[0]!.name.replace('ours, ', '')}`],
    ...outcomes.map(({ name, seconds, ratio }) => [name, (1000 * median(seconds)).toFixed(1), spread(inverse(ratio))]),
  ])

/** Each row is a pair, the baseline first. */
export const savingTable = (all: readonly { readonly outcomes: readonly Outcome[] }[]): string[] =>
  table([
    ['trained short', 'ms', 'trained long', 'ms', 'time ÷ long'],
    ...all.map(({ outcomes: [long, short] }) => [
      ...[short!, long!].flatMap(({ name, seconds }) => [name, (1000 * median(seconds)).toFixed(1)]),
      spread(short!.ratio),
    ]),
  ])

/** Rates over the first length's, and the exponents with which time and memory grow. */
export function readingTable(lengths: readonly (Outcome & { readonly length: number; readonly peakBytes: number })[]) {
  const tokens = lengths.at(-1)!.length
  const rows = lengths.map(({ name, seconds, ratio, peakBytes }) => [
    name,
    thousands(tokens / median(seconds)),
    spread(inverse(ratio)),
    `${(peakBytes / 2 ** 20).toFixed(0)} MiB`,
  ])
  const exponent = growth(lengths.map(({ length, peakBytes }) => [length, peakBytes]))
  const head = ['evaluation', 'tokens/s', `rate ÷ ${lengths[0]!.length}`, 'tensors at most']
  return [...table([head, ...rows]), '', `memory grows with length to the power ${exponent.toFixed(2)}`]
}

const inverse = ({ median, range: [low, high] }: Outcome['ratio']): Outcome['ratio'] => ({
  median: 1 / median,
  range: [1 / high, 1 / low],
})

export const spread = ({ median, range: [low, high] }: Outcome['ratio']) =>
  `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
