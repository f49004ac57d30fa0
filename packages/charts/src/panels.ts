import { escapeHtml } from './escape.js'
import type { Figure, Panel } from './figure.js'
import { light } from './palette.js'
import { FONT } from './render.js'
import { attributesOf } from './tags.js'

/** Pixels of the y axis, which panels that stand beside another do without. */
const AXIS = 57
const TITLE = 40
/** Pixels of a phone's picture. */
const NARROW = 380

export interface Layout {
  readonly width: number
  /** The height of a panel. */
  readonly height: number
  /** Panels beside each other at most. */
  readonly columns: number
  /** On a background of its own, under this title. */
  readonly title?: string
}

/** How a figure is laid out where there is room: panels beside each other, as many as leave names legible. */
export function wideLayout({ panels, aspect }: Figure): Layout {
  const columns = panels.length === 4 ? 2 : Math.min(3, panels.length)
  const width = columns > 1 ? 960 : 760
  return { width, height: Math.round(width / columns / aspect), columns }
}

/** The layout for phones: panels below each other. */
export function narrowLayout({ panels, aspect }: Figure): Layout {
  const height = panels.length > 1 ? 260 : Math.max(300, Math.round(NARROW / aspect))
  return { width: NARROW, height, columns: 1 }
}

/** The layout of a figure that has its own width and stands beside others. */
export const besideLayout = ({ aspect }: Figure): Layout => ({
  width: NARROW,
  height: Math.round(NARROW / aspect),
  columns: 1,
})

/** The figure as a picture by itself, with its title. */
export const figureFile = (figure: Figure): string => drawFigure(figure, { ...wideLayout(figure), title: figure.title })

/**
 * A figure's panels as one SVG picture. Each panel is an SVG in it, with what a page's script needs to lay them out again
 * when some are hidden: see `arrange` in `assets/pick.js`.
 */
export function drawFigure({ panels }: Pick<Figure, 'panels'>, layout: Layout): string {
  const { width, height, title } = layout
  if (panels.length === 1) {
    const format = {
      width,
      height: title === undefined ? height : height + TITLE,
      ...(title !== undefined && { title }),
    }
    return panels[0]!.draw(format)
  }
  const columns = Math.min(layout.columns, panels.length)
  const own = Math.round((width + AXIS * (columns - 1)) / columns)
  const top = title === undefined ? 0 : TITLE
  const drawn = panels.map((panel, i) => {
    const [column, row] = [i % columns, Math.floor(i / columns)]
    const left = column ? AXIS : 0
    const place = { x: column * (own - AXIS) + left, y: top + row * height, left, width: own - left, height }
    return nested(panel, own, place)
  })
  const whole = top + Math.ceil(panels.length / columns) * height
  const background =
    title === undefined
      ? ''
      : `<rect width="${width}" height="${whole}" fill="${light.background}"/><text x="16" y="24" font-size="17" font-weight="bold" dominant-baseline="central" fill="${light.ink}" font-family="${FONT}">${escapeHtml(title)}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${whole}" data-columns="${columns}" data-axis="${AXIS}">${background}${drawn.join('')}</svg>`
}

interface Place {
  readonly x: number
  readonly y: number
  /** What is cut off at the left. */
  readonly left: number
  readonly width: number
  readonly height: number
}

function nested({ draw, tags }: Panel, own: number, { x, y, left, width, height }: Place): string {
  const place = `x="${x}" y="${y}" width="${width}" height="${height}" viewBox="${left} 0 ${width} ${height}"`
  // What the panel says of itself, its curves need not.
  const inside = Object.entries(tags ?? {}).reduce(
    (svg, [name, value]) => svg.replaceAll(attributesOf({ [name]: value }), ''),
    draw({ width: own, height }),
  )
  return inside.replace(/viewBox="[^"]*"/, `${place} data-width="${own}"${attributesOf(tags)}`)
}
