import { groupBy } from './group.js'
import type { EvalLine, RunLine } from './lines.js'
import type { Results } from './read.js'

/** What a row or curve of the report is of: a strategy trained at a length. Its seeds are what it is a mean over. */
export interface Row {
  /** Name of the position strategy. */
  readonly strategy: string
  /** Tokens in a training sequence. */
  readonly trainLength: number
  /** The model's size, e.g. `4x128x4`. */
  readonly size: string
  /** The name of the task that it was trained on. Absent: a text. */
  readonly trainedOn?: string | undefined
  /** The strategy, with the size and the task where there are several. */
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

type RowLine = Pick<EvalLine, 'strategy' | 'trainLength' | 'size' | 'trainedOn'>
type ReadLine = Pick<EvalLine, 'trainLength' | 'evalLength' | 'protocol' | 'stride' | 'attentionWindow'>

/** Rows in the order of the run's strategies, then of tasks, train lengths and sizes. */
export function rowsOf({
  run,
  train,
  evals,
  tasks,
  contexts = [],
}: Pick<Results, 'run' | 'train' | 'evals' | 'tasks'> & Partial<Results>): Row[] {
  const byRow = new Map<string, RowLine>()
  for (const lines of [train, evals, tasks, contexts] as readonly (readonly RowLine[])[])
    for (const [id, [line]] of linesByRow(lines)) if (!byRow.has(id)) byRow.set(id, line!)
  const found = [...byRow.values()]
  const several = new Set(found.map(({ size }) => size)).size > 1
  const trainedOn = trainedOnOf({ run, lines: found })
  const asked = [run.config, ...(run.sweep?.cells ?? [])].flatMap(({ strategies }) => strategies)
  const order = new Map([...new Set([...asked, ...found.map(({ strategy }) => strategy)])].map((name, i) => [name, i]))
  return found
    .map(({ strategy, trainLength, size, trainedOn: task }) => {
      const sized = several ? `${strategy} ${size}` : strategy
      const name = trainedOn.length > 1 && task !== undefined ? `${sized}, ${task}` : sized
      return { strategy, trainLength, size, ...(task !== undefined && { trainedOn: task }), name }
    })
    .sort(
      (a, b) =>
        order.get(a.strategy)! - order.get(b.strategy)! ||
        trainedOn.indexOf(a.trainedOn) - trainedOn.indexOf(b.trainedOn) ||
        a.trainLength - b.trainLength ||
        a.size.localeCompare(b.size, 'en', { numeric: true }),
    )
}

const rowId = ({ strategy, trainLength, size, trainedOn }: RowLine) =>
  `${strategy} ${trainLength} ${size} ${trainedOn ?? ''}`

/** What models were trained on: the names of tasks in the order of the run, and undefined for a text. */
export const trainedOnOf = ({
  run,
  lines,
}: {
  readonly run: RunLine
  readonly lines: readonly Pick<RowLine, 'trainedOn'>[]
}): (string | undefined)[] => {
  const found = new Set(lines.map(({ trainedOn }) => trainedOn))
  return [...new Set([...(run.sweep?.tasks ?? []).map(({ name }) => name), ...found])].filter((name) => found.has(name))
}

/** Files have hundreds of lines a row: each list of lines is gone through once. */
const indexed = new WeakMap<readonly RowLine[], ReadonlyMap<string, readonly RowLine[]>>()

function linesByRow<L extends RowLine>(lines: readonly L[]): ReadonlyMap<string, readonly L[]> {
  const known = indexed.get(lines) as ReadonlyMap<string, readonly L[]> | undefined
  if (known) return known
  const byRow = groupBy(lines, rowId)
  indexed.set(lines, byRow)
  return byRow
}

/** The lines of a row, in their order. The list must not change afterwards: it is indexed once. */
export const linesOfRow = <L extends RowLine>(lines: readonly L[], row: RowLine): readonly L[] =>
  linesByRow(lines).get(rowId(row)) ?? []

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
