import { BAR_HEIGHT, drawBars, type Figure, stylesOf } from '@alibi/charts'
import {
  commonLoss,
  orNotFinite,
  type Results,
  type RowSummary,
  readingGroups,
  rowsOf,
  type Spread,
  summarize,
} from '@alibi/results'
import { thousands } from '../../terminal/format.js'
import { namesOf, rowTags, seedsCell } from './rows.js'

interface Measure {
  readonly id: string
  readonly title: string
  readonly caption: string
  readonly unit: string
  readonly value: (summary: RowSummary) => Spread | undefined
  readonly format: (value: number) => string
}

const measuresOf = (results: Results): readonly Measure[] => [
  {
    id: 'train-speed',
    title: 'Training speed',
    caption: 'Tokens a second, the median of a run. Longer bars are better.',
    unit: 'tokens a second',
    value: (summary) => summary.trainTokensPerSecond,
    format: thousands,
  },
  {
    id: 'eval-speed',
    title: 'Evaluation speed at the longest length',
    caption: 'Tokens a second. Longer bars are better.',
    unit: 'tokens a second',
    value: (summary) => summary.evalTokensPerSecond,
    format: thousands,
  },
  {
    id: 'time-to-loss',
    title: 'Seconds to a given loss',
    caption: `In training steps, until the loss that every model reached: ${orNotFinite(commonLoss(results.train), (loss) => loss.toFixed(3))} nats a token of training text. Shorter bars are better. Longer sequences have fewer tokens with little context, and so lower losses for that alone.`,
    unit: 'seconds',
    value: (summary) => summary.secondsToLoss,
    format: (seconds) => (seconds < 100 ? seconds.toFixed(1) : thousands(seconds)),
  },
  {
    id: 'train-memory',
    title: 'Memory of training',
    caption:
      'Most megabytes (10⁶ bytes) that the process was resident in, its code and text included. Shorter bars are better.',
    unit: 'MB',
    value: (summary) => summary.trainPeakBytes,
    format: (bytes) => thousands(bytes / 1e6),
  },
  {
    id: 'memory',
    title: 'Memory of evaluation at the longest length',
    caption: 'Most megabytes (10⁶ bytes) that tensors held at once. Shorter bars are better.',
    unit: 'MB',
    value: (summary) => summary.peakBytes,
    format: (bytes) => thousands(bytes / 1e6),
  },
]

/** Speed and memory, one bar a row. */
export function costFigures(results: Results): Figure[] {
  const rows = rowsOf(results)
  const nameOf = namesOf(rows)
  const styles = stylesOf([...new Set(rows.map(({ name }) => name))])
  const summaries = summarize(results, rows, readingGroups(results.evals)[0])
  return measuresOf(results).flatMap(({ value, format, unit, ...measure }) => {
    const bars = summaries.flatMap((summary) => {
      const { name } = summary.row
      const spread = value(summary)
      return spread && Number.isFinite(spread.mean)
        ? [{ name: nameOf(summary.row), colour: styles.get(name)!.colour, value: spread, tags: rowTags(summary.row) }]
        : []
    })
    if (!bars.length) return []
    const height = 74 + BAR_HEIGHT * bars.length
    return [
      {
        ...measure,
        description: `${measure.title}. ${bars.map((bar) => `${bar.name}: ${format(bar.value.mean)}`).join('; ')} ${unit}.`,
        table: {
          head: ['strategy', unit, 'lowest seed', 'highest seed'],
          body: bars.map(({ name, tags, value: spread }) => [
            { text: name, tags },
            seedsCell(spread, format),
            format(spread.low),
            format(spread.high),
          ]),
        },
        aspect: 520 / height,
        panels: [
          { draw: (size) => drawBars({ bars, unit, format }, { ...size, height: height + (size.title ? 36 : 0) }) },
        ],
      },
    ]
  })
}
