import { type CurvesChart, curvesTable, drawCurves, type Figure, logScale, scaleFor, thin } from '@alibi/charts'
import {
  formatMean,
  formatPerplexity,
  PLAIN,
  perplexityOf,
  type ReadingGroup,
  type Results,
  type Row,
  readingGroups,
  rowsOf,
  type Spread,
  trainLengthsOf,
} from '@alibi/results'
import { thousands } from '../../terminal/format.js'
import { byLength, curvesOf, extremesOf, lengthPanels, xsOf } from './panels.js'
import { columnsOf, longName, namesOf, seedsCell } from './rows.js'

/** A row's perplexity by evaluation length. */
interface Course {
  readonly row: Row
  readonly values: ReadonlyMap<number, Spread>
}

/** Nobody can distinguish more curves than this in one picture. */
const MOST_CURVES = 12

/** Perplexity over evaluation length, a figure a way of reading and a panel a train length: the paper's figure 1. */
export function perplexityFigures(results: Results): Figure[] {
  const groups = readingGroups(results.evals).map((reading) => ({ reading, courses: coursesOf(results, reading) }))
  // All figures on the same axes: they are compared with each other.
  const axes = axesOf(groups.flatMap(({ courses }) => courses))
  return groups.flatMap(({ reading, courses }, i) =>
    courses.length ? [perplexityFigure(i ? `perplexity-${slug(reading)}` : 'perplexity', reading, courses, axes)] : [],
  )
}

/** The models of all train lengths in one picture: what training short saves is read off it. */
export function shortAndLongFigures(results: Results): Figure[] {
  const courses = coursesOf(results, PLAIN)
  const [shortest, ...longer] = trainLengthsOf(courses.map(({ row }) => row))
  if (!longer.length || courses.length > MOST_CURVES) return []
  // A strategy keeps its colour and symbol; train lengths differ in their dashes.
  const curves = curvesOf(courses, longName).map((curve, i) => {
    const turn = longer.indexOf(courses[i]!.row.trainLength)
    return { ...curve, style: { ...curve.style, dash: turn < 0 ? ('solid' as const) : [8 - 3 * turn, 4] } }
  })
  const chart = {
    ...axesOf(courses),
    curves,
    marks: [shortest!, ...longer].map((x) => ({ x, label: thousands(x) })),
  }
  return [
    {
      ...numbersOf('short-and-long', courses, longName),
      title: 'Train short against train long',
      caption: `Held-out perplexity by evaluation length, non-overlapping; lower is better. Solid curves: trained at ${thousands(shortest!)} tokens. Dashed: at ${longer.map(thousands).join(' or ')}. Vertical lines are the train lengths.`,
      aspect: 760 / 460,
      panels: [{ draw: (format) => drawCurves(chart, format) }],
    },
  ]
}

const coursesOf = (results: Results, reading: ReadingGroup): Course[] =>
  byLength(rowsOf(results)).flatMap((row) => {
    const values = perplexityOf(results, row, reading)
    return values.size ? [{ row, values }] : []
  })

function axesOf(courses: readonly Course[]): Pick<CurvesChart, 'x' | 'y' | 'symbols'> {
  const lengths = xsOf(courses)
  return {
    symbols: true,
    x: { name: 'evaluation length, tokens', scale: logScale(lengths, thin(lengths)), format: thousands },
    y: {
      name: 'perplexity',
      scale: scaleFor(extremesOf(courses)),
      format: (value) => String(Number(value.toPrecision(4))),
    },
  }
}

function perplexityFigure(
  id: string,
  reading: ReadingGroup,
  courses: readonly Course[],
  axes: ReturnType<typeof axesOf>,
): Figure {
  const rows = courses.map(({ row }) => row)
  const several = trainLengthsOf(rows).length > 1
  const seeds = courses.some(({ values }) => [...values.values()].some(({ bySeed }) => bySeed.size > 1))
  return {
    ...numbersOf(id, courses, namesOf(rows)),
    title: `Perplexity by evaluation length, ${reading.name}`,
    caption: `On held-out text; lower is better.${several ? ' Vertical lines: the train length.' : ''}${seeds ? ' Bands go from the lowest to the highest seed.' : ''}${describeBroken(courses, namesOf(rows))}`,
    aspect: several ? 480 / 360 : 760 / 430,
    panels: lengthPanels(courses, { ...axes, xs: xsOf(courses), marked: true }),
  }
}

function numbersOf(
  id: string,
  courses: readonly Course[],
  nameOf: (row: Row) => string,
): Pick<Figure, 'id' | 'description' | 'table'> {
  const words = courses.map(({ row, values }) => `${nameOf(row)} ${describeCourse([...values])}`)
  return {
    id,
    description: `Perplexity by evaluation length. ${words.join('; ')}.`,
    table: curvesTable(
      'evaluation length',
      xsOf(courses),
      columnsOf(
        courses.map(({ row }) => row),
        nameOf,
      ),
      (length, i) => {
        const value = courses[i]!.values.get(length)
        return seedsCell(value, formatMean, formatPerplexity(value))
      },
      thousands,
    ),
  }
}

/** Points that cannot be drawn. */
function describeBroken(courses: readonly Course[], nameOf: (row: Row) => string): string {
  const broken = courses.filter(({ values }) => [...values.values()].some(({ mean }) => !Number.isFinite(mean)))
  return broken.length ? ` Not finite, so not drawn: ${broken.map(({ row }) => nameOf(row)).join('; ')}.` : ''
}

/** e.g. `goes from 3.557 at 128 to 3.459 at 2,048` */
function describeCourse(points: readonly (readonly [number, { readonly mean: number }])[]): string {
  const describe = ([length, { mean }]: (typeof points)[number]) => `${formatMean(mean)} at ${thousands(length)}`
  const [first, last] = [points[0]!, points.at(-1)!]
  return points.length > 1 ? `goes from ${describe(first)} to ${describe(last)}` : `is ${describe(first)}`
}

const slug = ({ name }: ReadingGroup) => name.replaceAll(/[^a-z0-9]+/g, '-')
