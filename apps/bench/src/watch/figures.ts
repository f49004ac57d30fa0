import { curvesTable, drawCurves, type Figure, linearScale, logScale, type Scale, scaleFor, thin } from '@alibi/charts'
import { formatMean, orNotFinite, type ReadingGroup, readingGroups, trainLengthsOf, wasRead } from '@alibi/results'
import { thousands } from '../terminal/format.js'
import { meanOfLast, type Point, pointsEvery } from './curves.js'
import { chooseCurves, type StatedCell, type WatchedCurve } from './selection.js'

/** A figure, and all that its picture is drawn from: the same text, the same picture. */
interface WatchedFigure {
  readonly figure: Figure
  readonly from: string
}

export interface WatchedFigures {
  readonly loss: readonly WatchedFigure[]
  readonly speed: readonly WatchedFigure[]
  readonly perplexity: readonly WatchedFigure[]
}

/** @param last - lines that a point of the loss is the mean of */
export function watchedFigures(cells: readonly StatedCell[], last: number): WatchedFigures {
  const groups = groupsOf(cells)
  const each = (make: (group: Group) => WatchedFigure | undefined) => groups.flatMap((group) => make(group) ?? [])
  const readings = readingGroups(cells.flatMap(({ results }) => results?.evals ?? []))
  return {
    loss: each((group) => lossFigure(group, last)),
    speed: each(speedFigure),
    perplexity: [
      ...readings.flatMap((reading) => each((group) => perplexityFigure(group, reading))),
      ...each(taskFigure),
    ],
  }
}

/** Cells that share a picture: those of a train length, and of a task where there are tasks. */
interface Group {
  readonly cells: readonly StatedCell[]
  readonly trainLength: number
  /** In ids of figures, e.g. `64`, `64-addition`. */
  readonly id: string
  /** In titles, e.g. `trained at 64 tokens`, `trained on addition at 64 tokens`. */
  readonly trained: string
}

function groupsOf(cells: readonly StatedCell[]): Group[] {
  const tasks = [...new Set(cells.map(({ key }) => key.trainedOn))]
  return tasks.flatMap((task) => {
    const own = cells.filter(({ key }) => key.trainedOn === task)
    return trainLengthsOf(own.map(({ key }) => key)).map((trainLength) => ({
      cells: own.filter(({ key }) => key.trainLength === trainLength),
      trainLength,
      id: task === undefined ? `${trainLength}` : `${trainLength}-${task}`,
      trained: `trained ${task === undefined ? '' : `on ${task} `}at ${thousands(trainLength)} tokens`,
    }))
  })
}

/** Every how many lines a point is drawn. */
function everyOf(cells: readonly StatedCell[]): number {
  let longest = 1
  for (const { results } of cells) longest = Math.max(longest, results?.train.length ?? 0)
  return pointsEvery(longest)
}

function lossFigure({ cells, id, trained }: Group, last: number): WatchedFigure | undefined {
  const every = everyOf(cells)
  const lines = Math.max(last, every)
  const points = ({ results }: StatedCell) => meanOfLast(results?.train ?? [], ({ lossNats }) => lossNats, lines, every)
  return curvesFigure(cells, points, {
    id: `loss-${id}`,
    title: `Training loss, ${trained}`,
    caption: `Nats a token by step; each line of results is the mean since the line before. ${describeMeans(lines)}`,
    ...byStep(cells),
    y: 'nats a token',
    format: (value) => orNotFinite(value, (loss) => loss.toFixed(3)),
  })
}

const describeMeans = (lines: number) =>
  lines > 1
    ? `A point is the mean of the last ${lines} of them, in a band from the lowest to the highest.`
    : 'Nothing else is smoothed.'

function speedFigure({ cells, id, trained }: Group): WatchedFigure | undefined {
  const every = everyOf(cells)
  const points = ({ results }: StatedCell) =>
    meanOfLast(results?.train ?? [], ({ tokensPerSecond }) => tokensPerSecond, every, every)
  return curvesFigure(cells, (cell) => points(cell).slice(1), {
    id: `speed-${id}`,
    title: `Training speed, ${trained}`,
    caption: `Tokens a second in training steps, since the line before. Each cell's first point is left out: the first step is compiled before it runs.${every > 1 ? ` ${describeMeans(every)}` : ''}`,
    ...byStep(cells),
    y: 'tokens a second',
    format: thousands,
  })
}

function perplexityFigure(
  { cells, trainLength, id, trained }: Group,
  reading: ReadingGroup,
): WatchedFigure | undefined {
  const points = ({ results }: StatedCell) =>
    (results?.evals ?? [])
      .filter((line) => wasRead(line, reading))
      .map(({ evalLength: x, perplexity: y }) => ({ x, y, low: y, high: y }))
      .sort((a, b) => a.x - b.x)
  const { protocol, stride, windowed } = reading
  return curvesFigure(cells, points, {
    id: ['perplexity', id, protocol, stride, windowed && 'windowed'].filter(Boolean).join('-'),
    title: `Perplexity, ${trained}, ${reading.name} evaluation`,
    caption: 'On held-out text, by evaluation length; lower is better.',
    ...byLength(cells, trainLength),
    y: 'perplexity',
    format: formatMean,
  })
}

function taskFigure({ cells, trainLength, id, trained }: Group): WatchedFigure | undefined {
  const points = ({ results }: StatedCell) =>
    (results?.tasks ?? []).map(({ evalLength: x, score: y }) => ({ x, y, low: y, high: y })).sort((a, b) => a.x - b.x)
  return curvesFigure(cells, points, {
    id: `task-${id}`,
    title: `Right answers, ${trained}`,
    caption: 'Share of trials, by their length; higher is better.',
    ...byLength(cells, trainLength),
    y: 'right answers',
    format: (share) => `${(100 * share).toFixed(0)} %`,
  })
}

function byLength(cells: readonly StatedCell[], trainLength: number) {
  const lengths = [...new Set(cells.flatMap(({ config }) => config.evalLengths))].sort((a, b) => a - b)
  return {
    x: 'evaluation length',
    scale: logScale([trainLength, ...lengths], thin(lengths)),
    mark: { x: trainLength, label: 'train length' },
  }
}

/** As far as training will go, so that the picture also shows what is to come. */
const byStep = (cells: readonly StatedCell[]) => ({
  x: 'step',
  scale: linearScale([0, ...new Set(cells.map(({ config }) => config.steps))]),
})

interface Looks {
  readonly id: string
  readonly title: string
  readonly caption: string
  readonly x: string
  readonly scale: Scale
  readonly y: string
  readonly format: (value: number) => string
  readonly mark?: { readonly x: number; readonly label: string }
}

/** Undefined where no cell has a point. */
function curvesFigure(
  cells: readonly StatedCell[],
  pointsOf: (cell: StatedCell) => readonly Point[],
  { id, title, caption, x, scale, y, format, mark }: Looks,
): WatchedFigure | undefined {
  const curves = chooseCurves(cells, pointsOf)
  if (!curves.length) return undefined
  const points = curves.flatMap((curve) => curve.points)
  const isMean = curves.some(({ name }) => name.endsWith(' seeds'))
  const chart = {
    curves,
    symbols: new Set(points.map((each) => each.x)).size <= 12,
    x: { name: x, scale, format: thousands },
    y: {
      name: y,
      scale: scaleFor(points.flatMap(({ y, low, high }) => [y, low, high])),
      format: (value: number) => (value >= 1000 ? `${short(value / 1000)}k` : short(value)),
    },
    ...(mark && { marks: [mark] }),
  }
  const figure: Figure = {
    id,
    title,
    caption: isMean
      ? `${caption} Finished seeds of a strategy are one curve: their mean, in a band from the lowest to the highest.`
      : caption,
    description: `Last: ${curves.map(({ name, points }) => `${name} ${format(points.at(-1)!.y)} at ${thousands(points.at(-1)!.x)}`).join('; ')}.`,
    table: numbersOf(curves, x, format),
    // Room for a name at the end of every curve.
    aspect: 760 / Math.max(380, 110 + 18 * curves.length),
    panels: [{ draw: (format) => drawCurves(chart, format) }],
  }
  return { figure, from: JSON.stringify([curves, scale, figure.caption]) }
}

function numbersOf(curves: readonly WatchedCurve[], x: string, format: (value: number) => string): Figure['table'] {
  const values = curves.map(({ points }) => new Map(points.map((point) => [point.x, point.y])))
  const xs = [...new Set(values.flatMap((own) => [...own.keys()]))].sort((a, b) => a - b)
  const cell = (at: number, i: number) => {
    const value = values[i]!.get(at)
    return value === undefined ? '—' : format(value)
  }
  return curvesTable(
    x,
    xs,
    curves.map(({ name }) => name),
    cell,
    thousands,
  )
}

const short = (value: number) => String(Number(value.toPrecision(4)))
