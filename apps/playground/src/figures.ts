import { type CurvesChart, drawCurves, logScale, scaleFor, stylesOf } from '@alibi/charts'
import { perplexityDigits } from '@alibi/results'
import { evalLengthsOf } from './corpus.js'
import { type Outcome, titleOf } from './outcome.js'
import type { Experiment } from './protocol.js'

const number = (value: number) => Math.round(value).toLocaleString('en-US')
const short = (value: number) => String(Number(value.toPrecision(4)))
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Points of a curve of losses; each is a mean over as many steps as it takes. */
const LOSS_POINTS = 80

/** The losses so far, with what a reader who cannot see them needs. */
export function lossFigure(outcomes: readonly Outcome[], { steps, trainLength }: Experiment): Figure {
  const begun = outcomes.filter(({ losses }) => losses.length)
  const bin = Math.ceil(steps / LOSS_POINTS)
  const curves = curvesOf(begun, ({ losses }) =>
    Array.from({ length: Math.ceil(losses.length / bin) }, (_, i) => {
      const part = losses.slice(i * bin, (i + 1) * bin)
      return { x: i * bin + part.length, y: mean(part) }
    }),
  )
  const points = curves.flatMap((curve) => curve.points)
  return {
    chart: curves.length && {
      curves,
      symbols: false,
      x: { name: 'step', scale: scaleFor([0, steps]), format: number },
      y: { name: 'loss', scale: scaleFor(points.map(({ y }) => y)), format: short },
    },
    words: begun.map(
      ({ strategy, losses }) => `${titleOf(strategy)} from ${losses[0]!.toFixed(3)} to ${losses.at(-1)!.toFixed(3)}`,
    ),
    caption: `Trained on pieces of ${number(trainLength)} bytes`,
    head: ['strategy', 'steps', 'first loss', 'last loss', 'tokens/s'],
    body: begun.map(({ strategy, losses, tokensPerSecond }) => [
      titleOf(strategy),
      number(losses.length),
      losses[0]!.toFixed(3),
      losses.at(-1)!.toFixed(3),
      number(tokensPerSecond),
    ]),
  }
}

/** How far each model reads. */
export function perplexityFigure(outcomes: readonly Outcome[], experiment: Experiment): Figure {
  const { trainLength } = experiment
  const evalLengths = evalLengthsOf(experiment, trainLength)
  const read = outcomes.filter(({ perplexity }) => perplexity.size)
  const curves = curvesOf(read, ({ perplexity }) => [...perplexity].map(([x, y]) => ({ x, y })))
  const values = curves.flatMap((curve) => curve.points.map(({ y }) => y))
  const cell = (value: number | undefined) => value?.toFixed(perplexityDigits(value)) ?? '…'
  return {
    chart: curves.length && {
      curves,
      symbols: true,
      x: { name: 'evaluation length, bytes', scale: logScale(evalLengths, evalLengths), format: number },
      y: { name: 'perplexity', scale: scaleFor(values), format: short },
      marks: [{ x: trainLength, label: 'train length' }],
    },
    words: read.map(({ strategy, perplexity }) => {
      const last = [...perplexity].at(-1)!
      return `${titleOf(strategy)} from ${cell(perplexity.get(trainLength))} at ${trainLength} to ${cell(last[1])} at ${last[0]}`
    }),
    caption: 'Perplexity by evaluation length',
    head: ['strategy', ...evalLengths.map((length) => `${length / trainLength}× (${number(length)})`)],
    body: read.map(({ strategy, perplexity }) => [
      titleOf(strategy),
      ...evalLengths.map((length) => cell(perplexity.get(length))),
    ]),
  }
}

const curvesOf = (
  outcomes: readonly Outcome[],
  points: (outcome: Outcome) => CurvesChart['curves'][number]['points'],
) => {
  const styles = stylesOf(outcomes.map(({ strategy }) => strategy))
  return outcomes.map((outcome) => ({
    name: titleOf(outcome.strategy),
    style: styles.get(outcome.strategy)!,
    points: points(outcome),
  }))
}

export interface Figure {
  /** 0 where there is nothing to draw yet. */
  readonly chart: CurvesChart | 0
  /** What the picture says, a curve each. */
  readonly words: readonly string[]
  readonly caption: string
  readonly head: readonly string[]
  readonly body: readonly (readonly string[])[]
}

/** A picture for paper and slides: light, of one size. */
export const svgOf = ({ chart }: Figure): string => (chart ? drawCurves(chart, { width: 960, height: 480 }) : '')
