import type { CustomSeriesRenderItemAPI } from 'echarts'
import type { Style } from './palette.js'
import { FONT } from './render.js'

/** The end of a curve and its name. */
interface NamedEnd {
  readonly name: string
  readonly style: Style
  readonly end: { readonly x: number; readonly y: number }
}

/** Pixels from one name to the next below it. */
const LINE = 17
/** Pixels that a name may take. */
const NAME_ROOM = 120

/** Each name at the end of its curve; those that would overlap are moved apart, above `bottom`. */
export function drawNames(
  curves: readonly NamedEnd[],
  api: CustomSeriesRenderItemAPI,
  place: (point: { x: number; y: number }) => number[],
  bottom: number,
) {
  const ends = curves
    .map(({ name, style, end }) => {
      const [left, top] = api.coord(place(end)) as [number, number]
      return { name, style, left, top }
    })
    .sort((a, b) => a.top - b.top)
  moveApart(ends, bottom - LINE / 2)
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
}

interface End {
  readonly left: number
  top: number
}

/** Curves that end elsewhere along the axis have their names out of each other's way. */
function moveApart(ends: readonly End[], bottom: number): void {
  const groups: End[][] = []
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
}
