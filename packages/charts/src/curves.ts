import type { CustomSeriesRenderItemAPI } from 'echarts'
import { drawNames } from './names.js'
import { light, type Style } from './palette.js'
import { type Format, render, titleRoom } from './render.js'
import type { Scale } from './scale.js'
import { type Tags, tagCurves } from './tags.js'

interface Point {
  readonly x: number
  readonly y: number
  /** Over seeds; a band is drawn between them. */
  readonly low?: number
  readonly high?: number
}

export interface Curve {
  readonly name: string
  readonly style: Style
  readonly points: readonly Point[]
  /** What a page may pick it by: they become `data-` attributes of all that is drawn of it. */
  readonly tags?: Tags
}

interface Axis {
  readonly name: string
  readonly scale: Scale
  readonly format: (value: number) => string
}

export interface CurvesChart {
  readonly curves: readonly Curve[]
  readonly x: Axis
  readonly y: Axis
  /** Vertical lines with words above them, e.g. at the train length; not drawn beyond the axis. */
  readonly marks?: readonly Mark[]
  /** Symbols at the points; false where there are too many. */
  readonly symbols: boolean
  /** Above the picture, e.g. `trained at 64`. */
  readonly heading?: string
  /** Where the figure's table has the values; default: a column a curve, and a row for each x of them. */
  readonly table?: { readonly firstColumn: number; readonly xs: readonly number[] }
}

interface Mark {
  readonly x: number
  readonly label: string
}

/** Curves with bands over seeds, each named at its end. Points that are not finite are left out. */
export function drawCurves(chart: CurvesChart, format: Format): string {
  const { curves: given, x, y, marks = [], symbols, heading } = chart
  const { firstColumn, xs } = chart.table ?? {
    firstColumn: 1,
    xs: given.flatMap(({ points }) => points.map((point) => point.x)),
  }
  const curves = given
    .map((curve, i) => ({ ...curve, column: firstColumn + i, points: curve.points.filter(isFinitePoint) }))
    .filter(({ points }) => points.length)
  const place = ({ x: px, y: py }: { x: number; y: number }) => [x.scale.of(px), y.scale.of(py)]
  const lines = curves.map(({ style, points }) => ({
    type: 'line',
    // A line of one point is not drawn.
    data: (points.length === 1 ? [points[0]!, points[0]!] : points).map(place),
    clip: false,
    z: 3,
    emphasis: { disabled: true },
    showSymbol: symbols,
    symbol: style.symbol,
    symbolSize: 8,
    itemStyle: { color: style.colour },
    lineStyle: { width: 2.5, color: style.colour, type: style.dash },
  }))
  const longest = Math.max(...curves.map(({ name }) => name.length))
  const bands = curves.map((curve) => band(curve, place))
  // Series are numbered as they are given below: curves, then the bands of those that have one.
  const banded = curves.flatMap((_, i) => bands[i]!.map(() => i))
  const shown = marks.filter((mark) => mark.x >= x.scale.extent[0] && mark.x <= x.scale.extent[1])
  const top = titleRoom(format) + (heading ? 20 : 0) + (shown.some(({ label }) => label) ? 20 : 8)
  const right = 24 + 8 * longest
  return render(
    {
      ...(heading && { title: headingAt(titleRoom(format), heading) }),
      grid: { left: LEFT, right, top, bottom: 52, outerBoundsMode: 'none' },
      xAxis: { ...axis(legible(x, format.width - LEFT - right), true), nameGap: 32, splitLine: { show: false } },
      yAxis: { ...axis(y, false), nameGap: 46 },
      series: [...lines, ...bands.flat(), ...shown.map((mark) => verticalLine(mark, x, y)), names(curves, y, place)],
    },
    format,
    (svg) =>
      tagCurves(svg, curves, {
        owners: [...curves.keys(), ...banded],
        xs,
      }),
  )
}

/** Pixels left of the y axis. */
const LEFT = 62

/** The axis with those of its ticks whose labels do not touch in so many pixels, the last among them. */
function legible(axis: Axis, pixels: number): Axis {
  const { scale, format } = axis
  const [low, high] = scale.extent.map(scale.of) as [number, number]
  const ticks: number[] = []
  let free = Number.POSITIVE_INFINITY
  for (const tick of scale.ticks.toReversed()) {
    const place = ((scale.of(tick) - low) / (high - low)) * pixels
    const half = LETTER * (format(tick).length / 2)
    if (place + half > free) continue
    ticks.unshift(tick)
    free = place - half - LETTER
  }
  return { ...axis, scale: { ...scale, ticks } }
}

/** Pixels of a digit. */
const LETTER = 7.5

const headingAt = (top: number, text: string) => ({
  text,
  left: LEFT - 5,
  top: top - 12,
  textStyle: { fontSize: 14, fontWeight: 600, color: light.ink },
})

const isFinitePoint = ({ x, y }: Point) => Number.isFinite(x) && Number.isFinite(y)

function axis({ name, scale, format }: Axis, line: boolean) {
  const places = scale.ticks.map(scale.of)
  const label = { color: light.muted, fontSize: 13, formatter: (place: number) => format(scale.back(place)) }
  return {
    type: 'value',
    name,
    nameLocation: 'middle',
    nameTextStyle: { color: light.muted, fontSize: 13 },
    min: scale.of(scale.extent[0]),
    max: scale.of(scale.extent[1]),
    axisLabel: { ...label, customValues: places, hideOverlap: true, showMinLabel: true, showMaxLabel: true },
    axisTick: { customValues: places, show: line, lineStyle: { color: light.muted } },
    axisLine: { show: line, onZero: false, lineStyle: { color: light.muted } },
    splitLine: { lineStyle: { color: light.grid } },
  }
}

/** Drawn once, from the lowest to the highest seed at each x. */
function band({ style, points }: Curve, place: (point: { x: number; y: number }) => number[]) {
  const spread = points.filter((p) => Number.isFinite(p.low) && Number.isFinite(p.high) && p.high! > p.low!)
  if (spread.length < 2) return []
  const outline = [
    ...spread.map((p) => place({ x: p.x, y: p.high! })),
    ...spread.toReversed().map((p) => place({ x: p.x, y: p.low! })),
  ]
  return [
    drawnOnce((api) => ({
      type: 'polygon',
      shape: { points: outline.map((point) => api.coord(point)) },
      style: { fill: style.colour, opacity: 0.18 },
    })),
  ]
}

const verticalLine = (mark: Mark, x: Axis, y: Axis) =>
  drawnOnce((api) => {
    const [px, bottom] = api.coord([x.scale.of(mark.x), y.scale.of(y.scale.extent[0])]) as [number, number]
    const top = api.coord([x.scale.of(mark.x), y.scale.of(y.scale.extent[1])])[1]!
    return {
      type: 'group',
      children: [
        {
          type: 'line',
          shape: { x1: px, y1: bottom, x2: px, y2: top },
          style: { stroke: light.muted, lineDash: [3, 4] },
        },
        { type: 'text', style: { x: px, y: top - 14, text: mark.label, fill: light.muted, fontSize: 12 } },
      ],
    }
  })

const names = (curves: readonly Curve[], y: Axis, place: (point: { x: number; y: number }) => number[]) =>
  drawnOnce((api) =>
    drawNames(
      curves.map(({ name, style, points }) => ({ name, style, end: points.at(-1)! })),
      api,
      place,
      api.coord([0, y.scale.of(y.scale.extent[0])])[1]!,
    ),
  )

const drawnOnce = (draw: (api: CustomSeriesRenderItemAPI) => unknown) => ({
  type: 'custom',
  silent: true,
  clip: false,
  z: 1,
  data: [[0, 0]],
  renderItem: (_: unknown, api: CustomSeriesRenderItemAPI) => draw(api),
})
