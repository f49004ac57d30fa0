import {
  curvesTable,
  drawCurves,
  type Figure,
  linearScale,
  logScale,
  type Scale,
  scaleFor,
  stylesOf,
} from '@alibi/charts'
import { type CellKey, formatMean, type ReadingGroup, readingGroups, trainLengthsOf, wasRead } from '@alibi/results'
import { thin } from '../report/figures/perplexity.js'
import { thousands } from '../terminal/format.js'
import { meanLoss, type Point } from './curves.js'
import type { WatchedCell } from './folder.js'

export interface WatchedFigures {
  readonly loss: readonly Figure[]
  readonly speed: readonly Figure[]
  readonly perplexity: readonly Figure[]
}

/**
 * A curve for each cell: no means over seeds, of which some would be further than others.
 *
 * @param last - lines that a point of the loss is the mean of
 */
export function watchedFigures(cells: readonly WatchedCell[], last: number): WatchedFigures {
  const lengths = trainLengthsOf(cells.map(({ key }) => key))
  const each = (make: (own: readonly WatchedCell[], trainLength: number) => Figure | undefined) =>
    lengths.flatMap(
      (length) =>
        make(
          cells.filter(({ key }) => key.trainLength === length),
          length,
        ) ?? [],
    )
  const readings = readingGroups(cells.flatMap(({ results }) => results?.evals ?? []))
  return {
    loss: each((own, trainLength) => lossFigure(own, trainLength, last)),
    speed: each(speedFigure),
    perplexity: readings.flatMap((reading) => each((own, length) => perplexityFigure(own, length, reading))),
  }
}

function lossFigure(cells: readonly WatchedCell[], trainLength: number, last: number): Figure | undefined {
  const smoothed =
    last > 1
      ? ` A curve is the mean of the last ${last} of them, its band goes from their lowest to their highest.`
      : ' Nothing else is smoothed.'
  return curvesFigure(cells, ({ results }) => meanLoss(results?.train ?? [], last), {
    id: `loss-${trainLength}`,
    title: `Training loss, trained at ${thousands(trainLength)} tokens`,
    caption: `Nats a token by step; what is written is the mean since the line before.${smoothed}`,
    ...byStep(cells),
    y: 'nats a token',
    format: (value) => value.toFixed(3),
  })
}

function speedFigure(cells: readonly WatchedCell[], trainLength: number): Figure | undefined {
  const points = ({ results }: WatchedCell) =>
    (results?.train ?? []).map(({ step, tokensPerSecond }) => point(step, tokensPerSecond))
  return curvesFigure(cells, points, {
    id: `speed-${trainLength}`,
    title: `Training speed, trained at ${thousands(trainLength)} tokens`,
    caption: 'Tokens a second in training steps, since the line before.',
    ...byStep(cells),
    y: 'tokens a second',
    format: thousands,
  })
}

function perplexityFigure(
  cells: readonly WatchedCell[],
  trainLength: number,
  reading: ReadingGroup,
): Figure | undefined {
  const lengths = [...new Set(cells.flatMap(({ config }) => config.evalLengths))].sort((a, b) => a - b)
  const points = ({ results }: WatchedCell) =>
    (results?.evals ?? [])
      .filter((line) => wasRead(line, reading))
      .map((line) => point(line.evalLength, line.perplexity))
      .sort((a, b) => a.x - b.x)
  const { protocol, stride, windowed } = reading
  return curvesFigure(cells, points, {
    id: ['perplexity', trainLength, protocol, stride, windowed && 'windowed'].filter(Boolean).join('-'),
    title: `Perplexity, trained at ${thousands(trainLength)} tokens, ${reading.name} evaluation`,
    caption: 'On held-out text, by evaluation length; lower is better.',
    x: 'evaluation length',
    scale: logScale([trainLength, ...lengths], thin(lengths)),
    y: 'perplexity',
    format: formatMean,
    mark: { x: trainLength, label: 'train length' },
  })
}

/** As far as training will go, so that the picture also shows what is to come. */
const byStep = (cells: readonly WatchedCell[]) => ({
  x: 'step',
  scale: linearScale([0, ...cells.map(({ config }) => config.steps)]),
})

const point = (x: number, y: number): Point => ({ x, y, low: y, high: y })

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
  cells: readonly WatchedCell[],
  pointsOf: (cell: WatchedCell) => readonly Point[],
  { id, title, caption, x, scale, y, format, mark }: Looks,
): Figure | undefined {
  const nameOf = namesOf(cells)
  const styles = stylesOf([...new Set(cells.map(({ key }) => rowName(key, cells)))])
  const curves = cells.flatMap((cell) => {
    const points = pointsOf(cell)
    return points.length ? [{ name: nameOf(cell), style: styles.get(rowName(cell.key, cells))!, points }] : []
  })
  if (!curves.length) return undefined
  const points = curves.flatMap((curve) => curve.points)
  const xs = [...new Set(points.map((each) => each.x))].sort((a, b) => a - b)
  const last = curves.map(({ name, points }) => `${name} ${format(points.at(-1)!.y)} at ${thousands(points.at(-1)!.x)}`)
  return {
    ...{ id, title, caption },
    description: `Last: ${last.join('; ')}.`,
    table: curvesTable(
      x,
      xs,
      curves.map(({ name }) => name),
      (at, i) => {
        const found = curves[i]!.points.find((each) => each.x === at)
        return found ? format(found.y) : '—'
      },
      thousands,
    ),
    // Room for a name at the end of every curve.
    aspect: 760 / Math.max(380, 110 + 18 * curves.length),
    draw: (size) =>
      drawCurves(
        {
          curves,
          symbols: xs.length <= 12,
          x: { name: x, scale, format: thousands },
          y: {
            name: y,
            scale: scaleFor(points.flatMap(({ low, high }) => [low, high])),
            format: (value) => (value >= 1000 ? `${short(value / 1000)}k` : short(value)),
          },
          ...(mark && { mark }),
        },
        size,
      ),
  }
}

const short = (value: number) => String(Number(value.toPrecision(4)))

const rowName = ({ strategy, size }: CellKey, cells: readonly WatchedCell[]) =>
  several(cells, (key) => key.size) ? `${strategy} ${size}` : strategy

/** A cell's name among those of its train length: what tells it from them. */
function namesOf(cells: readonly WatchedCell[]): (cell: WatchedCell) => string {
  const seeds = several(cells, ({ seed }) => seed)
  return ({ key }) => `${rowName(key, cells)}${seeds ? ` seed ${key.seed}` : ''}`
}

const several = (cells: readonly WatchedCell[], of: (key: CellKey) => string | number) =>
  new Set(cells.map(({ key }) => of(key))).size > 1
