import type { CustomSeriesRenderItemAPI } from 'echarts'
import { light, type Style } from './palette.js'
import { FONT, type Format, render, titleRoom } from './render.js'
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
  /** A vertical line with a word above it, e.g. at the train length; not drawn beyond the axis. */
  readonly mark?: { readonly x: number; readonly label: string }
  /** Symbols at the points; false where there are too many. */
  readonly symbols: boolean
}

/** Curves with bands over seeds, each named at its end. Points that are not finite are left out. */
export function drawCurves({ curves: given, x, y, mark, symbols }: CurvesChart, format: Format): string {
  const curves = given
    .map((curve, i) => ({ ...curve, column: i + 1, points: curve.points.filter(isFinitePoint) }))
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
  const shown = mark && mark.x >= x.scale.extent[0] && mark.x <= x.scale.extent[1] ? mark : undefined
  return render(
    {
      grid: { left: 62, right: 24 + 8 * longest, top: titleRoom(format) + (shown ? 24 : 8), bottom: 56 },
      xAxis: { ...axis(x, true), nameGap: 32, splitLine: { show: false } },
      yAxis: { ...axis(y, false), nameGap: 46 },
      series: [...lines, ...bands.flat(), ...(shown ? [verticalLine(shown, x, y)] : []), names(curves, y, place)],
    },
    format,
    (svg) =>
      tagCurves(svg, curves, {
        owners: [...curves.keys(), ...banded],
        xs: given.flatMap(({ points }) => points.map((point) => point.x)),
      }),
  )
}

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

const verticalLine = (mark: { x: number; label: string }, x: Axis, y: Axis) =>
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

/** Pixels from one name to the next below it. */
const LINE = 17

/** Pixels that a name may take. */
const NAME_ROOM = 120

/** Each name at the end of its curve; those that would overlap are moved apart, within the height of the axis. */
function names(curves: readonly Curve[], y: Axis, place: (point: { x: number; y: number }) => number[]) {
  return drawnOnce((api) => {
    const ends = curves
      .map(({ name, style, points }) => {
        const [left, top] = api.coord(place(points.at(-1)!)) as [number, number]
        return { name, style, left, top }
      })
      .sort((a, b) => a.top - b.top)
    const bottom = api.coord([0, y.scale.of(y.scale.extent[0])])[1]! - LINE / 2
    // Curves that end elsewhere along the axis have their names out of each other's way.
    const groups: (typeof ends)[] = []
    for (const end of ends) {
      const near = groups.find(([first]) => Math.abs(first!.left - end.left) < NAME_ROOM)
      if (near) near.push(end)
      else groups.push([end])
    }
    for (const near of groups) {
      let next = 0
      for (const end of near) {
        end.top = Math.max(end.top, next)
        next = end.top + LINE
      }
      let last = bottom
      for (const end of near.toReversed()) {
        end.top = Math.min(end.top, last)
        last = end.top - LINE
      }
    }
    return {
      type: 'group',
      children: ends.map(({ name, style, left, top }) => ({
        type: 'text',
        style: {
          x: left + 9,
          y: top,
          text: name,
          fill: style.colour,
          fontWeight: 'bold',
          fontSize: 13,
          fontFamily: FONT,
          textVerticalAlign: 'middle',
        },
      })),
    }
  })
}

const drawnOnce = (draw: (api: CustomSeriesRenderItemAPI) => unknown) => ({
  type: 'custom',
  silent: true,
  clip: false,
  z: 1,
  data: [[0, 0]],
  renderItem: (_: unknown, api: CustomSeriesRenderItemAPI) => draw(api),
})
