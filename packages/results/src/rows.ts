import type { EvalLine } from './lines.js'
import type { Results } from './read.js'

/** What a row or curve of the report is of: a strategy trained at a length. Its seeds are what it is a mean over. */
export interface Row {
  /** Name of the position strategy. */
  readonly strategy: string
  /** Tokens in a training sequence. */
  readonly trainLength: number
  /** Of the model, e.g. `4x128x4`. */
  readonly size: string
  /** The strategy, with the size where there are several. */
  readonly name: string
}

/** Readings of held-out text that are shown together, over all evaluation lengths: a table of the report. */
export interface ReadingGroup {
  /** How the text was cut. */
  readonly protocol: EvalLine['protocol']
  /** Where lines differ in it at one length; else undefined, and {@link name} says what it was. */
  readonly stride: number | undefined
  /** Whether attention was limited to the last keys: a control. */
  readonly windowed: boolean
  /** e.g. `sliding window, stride 64` */
  readonly name: string
}

/** The paper's way. */
export const PLAIN: ReadingGroup = {
  protocol: 'nonoverlapping',
  stride: undefined,
  windowed: false,
  name: 'non-overlapping',
}

type RowLine = Pick<EvalLine, 'strategy' | 'trainLength' | 'size'>
type ReadLine = Pick<EvalLine, 'trainLength' | 'evalLength' | 'protocol' | 'stride' | 'attentionWindow'>

/** Rows in the order of the run's strategies, then of train lengths and sizes. */
export function rowsOf({ run, train, evals }: Results): Row[] {
  const lines: RowLine[] = [...train, ...evals]
  const sizes = new Set(lines.map((line) => line.size))
  const found = new Map<string, Row>()
  for (const { strategy, trainLength, size } of lines) {
    const name = sizes.size > 1 ? `${strategy} ${size}` : strategy
    found.set(`${name} ${trainLength}`, { strategy, trainLength, size, name })
  }
  const order: readonly string[] = [...run.config.strategies, ...lines.map((line) => line.strategy)]
  return [...found.values()].sort(
    (a, b) =>
      order.indexOf(a.strategy) - order.indexOf(b.strategy) ||
      a.trainLength - b.trainLength ||
      a.size.localeCompare(b.size, 'en', { numeric: true }),
  )
}

/** Whether a line is of the row. */
export const isRow = (line: RowLine, row: RowLine) =>
  line.strategy === row.strategy && line.trainLength === row.trainLength && line.size === row.size

/** Every train length once, ascending. */
export const trainLengthsOf = (lines: readonly Pick<RowLine, 'trainLength'>[]) =>
  distinct(lines.map((line) => line.trainLength))

/** Every evaluation length once, ascending. */
export const evalLengthsOf = (lines: readonly Pick<EvalLine, 'evalLength'>[]) =>
  distinct(lines.map((line) => line.evalLength))

const distinct = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b)

const NOUNS: Readonly<Record<string, string>> = {
  nonoverlapping: 'non-overlapping',
  sliding: 'sliding window',
  streaming: 'streaming',
}

/** The ways in which the run read held-out text: non-overlapping first, controls last. */
export function readingGroups(lines: readonly ReadLine[]): ReadingGroup[] {
  const protocols = [...new Set([...Object.keys(NOUNS), ...lines.map((line) => line.protocol)])]
  return [false, true].flatMap((windowed) =>
    protocols.flatMap((protocol): ReadingGroup[] => {
      const own = lines.filter(
        (line) => line.protocol === protocol && (line.attentionWindow !== undefined) === windowed,
      )
      if (!own.length) return []
      const name = [NOUNS[protocol] ?? protocol, ...(windowed ? [describeWindow(own)] : [])].join(', ')
      if (protocol === 'nonoverlapping') return [{ protocol, stride: undefined, windowed, name }]
      const strides = distinct(own.map((line) => line.stride))
      if (evalLengthsOf(own).some((length) => severalStrides(own, length)))
        return strides.map((stride) => ({ protocol, stride, windowed, name: `${name}, stride ${stride}` }))
      const half = strides.length > 1 && own.every((line) => line.stride === Math.max(1, line.evalLength >> 1))
      const stride = half ? 'stride half the length' : `stride ${strides.join(', ')}`
      return [{ protocol, stride: undefined, windowed, name: `${name}, ${stride}` }]
    }),
  )
}

const severalStrides = (lines: readonly ReadLine[], length: number) =>
  new Set(lines.filter((line) => line.evalLength === length).map((line) => line.stride)).size > 1

function describeWindow(lines: readonly ReadLine[]): string {
  const atTrainLength = lines.every((line) => line.attentionWindow === line.trainLength)
  const windows = distinct(lines.map((line) => line.attentionWindow!))
  return `attention limited to the ${atTrainLength ? 'train length' : `last ${windows.join(', ')} keys`}`
}

/** Whether a line was read that way. */
export const wasRead = (line: ReadLine, { protocol, stride, windowed }: ReadingGroup) =>
  line.protocol === protocol &&
  (line.attentionWindow !== undefined) === windowed &&
  (stride === undefined || line.stride === stride)
