import { curvesTable, drawCurves, type Figure, logScale, scaleFor, stylesOf } from '@alibi/charts'
import { PLAIN, type Results, rowsOf, summarize, trainLengthsOf } from '@alibi/results'
import { thousands } from '../../terminal/format.js'
import { published } from '../paper/published.js'

/** A strategy's perplexity by evaluation length. */
interface Course {
  readonly name: string
  readonly perplexity: ReadonlyMap<number, number>
}

/**
 * Ours and the paper's side by side, on the same axes: perplexity relative to that at the train length, which does compare
 * between texts and models where perplexity itself does not.
 */
export function courseFigures(results: Results): Figure[] {
  const rows = rowsOf(results)
  const ours = trainLengthsOf(rows).map((trainLength) => {
    const own = rows.filter((row) => row.trainLength === trainLength)
    const courses = summarize(results, own, PLAIN).map(({ row, perplexity }) => ({
      name: row.name,
      perplexity: new Map([...perplexity].map(([length, { mean }]) => [length, mean])),
    }))
    return { id: `course-${trainLength}`, whose: 'This run', where: '', trainLength, courses }
  })
  const paper = [512, 1024].map((trainLength, i) => ({
    id: `course-paper-${trainLength}`,
    whose: 'The paper',
    where: `, from its table ${i + 2}`,
    trainLength,
    courses: [...new Set(published.map(({ strategy }) => strategy))].map((name) => ({
      name,
      perplexity: publishedCourse(name, trainLength, String(i + 2)),
    })),
  }))
  const shown = ours
    .map((one) => ({ ...one, courses: one.courses.filter((course) => relative(course, one.trainLength).length > 1) }))
    .filter(({ courses }) => courses.length)
  if (!shown.length) return []
  const all = [...shown, ...paper]
  const points = all.flatMap(({ courses, trainLength }) => courses.flatMap((course) => relative(course, trainLength)))
  const axes = { xs: points.map(({ x }) => x), ys: points.map(({ y }) => y) }
  return all.map((one) => courseFigure(one, axes))
}

const publishedCourse = (name: string, trainLength: number, table: string) =>
  new Map(
    published
      .filter((each) => each.strategy === name && each.trainLength === trainLength && each.table === table)
      .map(({ evalLength, perplexity }) => [evalLength, perplexity]),
  )

function relative({ perplexity }: Course, trainLength: number) {
  const first = perplexity.get(trainLength)
  if (first === undefined || !Number.isFinite(first)) return []
  return [...perplexity]
    .filter(([, value]) => Number.isFinite(value))
    .map(([length, value]) => ({ x: length / trainLength, y: value / first }))
}

function courseFigure(
  one: { id: string; whose: string; where: string; trainLength: number; courses: readonly Course[] },
  { xs, ys }: { xs: readonly number[]; ys: readonly number[] },
): Figure {
  const { id, whose, where, trainLength, courses } = one
  const styles = stylesOf(courses.map(({ name }) => name))
  const curves = courses.map((course) => ({
    name: course.name,
    style: styles.get(course.name)!,
    points: relative(course, trainLength),
  }))
  const multiples = [...new Set(curves.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b)
  const at = (x: number, i: number) => curves[i]!.points.find((point) => point.x === x)?.y.toFixed(3) ?? '—'
  const times = (x: number) => `${Number(x.toFixed(2))}×`
  return {
    id,
    title: `${whose}, trained at ${thousands(trainLength)}`,
    caption: `Perplexity relative to that at the train length, non-overlapping evaluation${where}.`,
    description: `${whose}: perplexity relative to that at the train length. ${curves.map(({ name, points }) => `${name} has ${points.at(-1)!.y.toFixed(2)} at ${times(points.at(-1)!.x)}`).join('; ')}.`,
    table: curvesTable(
      'evaluation length in train lengths',
      multiples,
      curves.map(({ name }) => name),
      at,
      times,
    ),
    aspect: 380 / 320,
    draw: (format) =>
      drawCurves(
        {
          curves,
          symbols: false,
          x: { name: 'evaluation length, in train lengths', scale: logScale(xs, [1, 2, 4, 8, 16, 32]), format: times },
          y: {
            name: 'relative perplexity',
            scale: scaleFor(ys),
            format: (value) => String(Number(value.toPrecision(3))),
          },
        },
        format,
      ),
  }
}
