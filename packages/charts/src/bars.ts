import type { CustomSeriesRenderItemAPI } from 'echarts'
import { light } from './palette.js'
import { type Format, render, titleRoom } from './render.js'
import { type Tags, tagBars } from './tags.js'

interface Bar {
  readonly name: string
  readonly colour: string
  /** What a page may pick it by. */
  readonly tags?: Tags
  /** Over seeds; a line is drawn from the lowest to the highest. */
  readonly value: { readonly mean: number; readonly low: number; readonly high: number }
}

export interface BarsChart {
  readonly bars: readonly Bar[]
  readonly unit: string
  readonly format: (value: number) => string
}

/** Pixels a bar and the room to the next one take. */
export const BAR_HEIGHT = 34

/** Draws a line from the lowest to the highest seed. */
function whisker(_: unknown, api: CustomSeriesRenderItemAPI) {
  const [low, y] = api.coord([api.value(1), api.value(0)]) as [number, number]
  const [high] = api.coord([api.value(2), api.value(0)]) as [number, number]
  const line = (x1: number, y1: number, x2: number, y2: number) => ({
    type: 'line',
    shape: { x1, y1, x2, y2 },
    style: { stroke: light.ink, lineWidth: 1.5 },
  })
  return {
    type: 'group',
    children: [line(low, y, high, y), line(low, y - 4, low, y + 4), line(high, y - 4, high, y + 4)],
  }
}

/** Horizontal bars from zero, each with its mean beside it and a line from the lowest to the highest seed. */
export function drawBars({ bars, unit, format }: BarsChart, size: Format): string {
  const longest = Math.max(...bars.map(({ name }) => name.length))
  const widest = Math.max(...bars.map(({ value }) => format(value.mean).length))
  const whiskers = bars.flatMap(({ value }, i) => (value.high > value.low ? [[i, value.low, value.high]] : []))
  return render(
    {
      grid: { left: 20 + 7.4 * longest, right: 24 + 8 * widest, top: titleRoom(size), bottom: 54 },
      xAxis: {
        type: 'value',
        min: 0,
        name: unit,
        nameLocation: 'middle',
        nameGap: 30,
        nameTextStyle: { color: light.muted, fontSize: 13 },
        axisLabel: { color: light.muted, fontSize: 13, formatter: format, hideOverlap: true },
        splitNumber: 3,
        splitLine: { lineStyle: { color: light.grid } },
      },
      yAxis: {
        type: 'category',
        inverse: true,
        data: bars.map(({ name }) => name),
        axisLabel: { color: light.ink, fontSize: 13, interval: 0 },
        axisTick: { show: false },
        axisLine: { lineStyle: { color: light.muted } },
      },
      series: [
        {
          type: 'bar',
          barWidth: 18,
          silent: true,
          data: bars.map(({ value, colour }) => ({ value: value.mean, itemStyle: { color: colour } })),
        },
        { type: 'custom', silent: true, z: 5, renderItem: whisker, data: whiskers, encode: { y: 0, x: [1, 2] } },
        labels(bars, format),
      ],
    },
    size,
    (svg) => tagBars(svg, bars, [bars.map((_, i) => i), whiskers.map(([i]) => i!)]),
  )
}

/** Beyond the line of seeds. */
const labels = (bars: readonly Bar[], format: (value: number) => string) => ({
  type: 'bar',
  barWidth: 18,
  barGap: '-100%',
  silent: true,
  data: bars.map(({ value }) => Math.max(value.high, value.mean)),
  itemStyle: { color: 'transparent' },
  label: {
    show: true,
    position: 'right',
    distance: 6,
    color: light.ink,
    fontSize: 13,
    formatter: ({ dataIndex }: { dataIndex: number }) => format(bars[dataIndex]!.value.mean),
  },
})
