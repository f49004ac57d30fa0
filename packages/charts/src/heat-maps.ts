import { escapeHtml } from './escape.js'
import { light } from './palette.js'
import type { Format } from './render.js'
import { FONT, titleRoom } from './render.js'

/** A bias for one head: rows are queries, columns keys; NaN where there is nothing to attend. */
interface HeatMap {
  readonly name: string
  readonly cells: readonly (readonly number[])[]
}

export interface HeatMapsChart {
  readonly maps: readonly HeatMap[]
  /** What the first and last row and column are, e.g. `0` and `256`. */
  readonly from: string
  readonly to: string
}

/** Upper ends of the steps of colour, in nats below the most favoured key; the last has no end. */
const STEPS = [0.05, 0.25, 0.5, 1, 2, 4, 8, Number.POSITIVE_INFINITY]
const LABELS = ['0', '0.05', '0.25', '0.5', '1', '2', '4', '8+']
const GAP = 14
const LABEL = 20

/** One square a head, and what the colours stand for. Colours are shares of one, so that pages may set it. */
export function drawHeatMaps({ maps, from, to }: HeatMapsChart, format: Format): string {
  const columns = Math.min(maps.length, Math.max(2, Math.floor(format.width / 150)))
  const side = Math.min(170, (format.width - 48 - GAP * (columns - 1)) / columns)
  const top = titleRoom(format) + LABEL
  const rows = Math.ceil(maps.length / columns)
  const mapsBottom = top + rows * (side + LABEL + GAP)
  const pictures = maps.map(({ name, cells }, i) => {
    const [x, y] = [40 + (i % columns) * (side + GAP), top + Math.floor(i / columns) * (side + LABEL + GAP)]
    return `<g transform="translate(${round(x)} ${round(y)})"><text y="-11" dominant-baseline="central">${escapeHtml(name)}</text><g transform="scale(${round(side / cells.length, 4)})">${squares(cells)}</g></g>`
  })
  const height = mapsBottom + 72
  const background = format.title
    ? `<rect width="${format.width}" height="${height}" fill="${light.background}"/><text x="16" y="24" font-size="17" font-weight="bold" dominant-baseline="central">${escapeHtml(format.title)}</text>`
    : ''
  const axes = `<g fill="${light.muted}"><text transform="translate(14 ${round(top + side)}) rotate(-90)" dominant-baseline="central">query ${to} to ${from}</text><text x="40" y="${round(mapsBottom - 4)}" dominant-baseline="central">key ${from} to ${to}, in every square</text></g>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${format.width} ${height}" font-family="${FONT}" font-size="13" fill="${light.ink}">${background}${axes}${pictures.join('')}${key(mapsBottom + 18, format.width)}</svg>`
}

/** Runs of cells of one step of colour are one rectangle, and all of a step are one path. */
function squares(cells: HeatMap['cells']): string {
  const paths = STEPS.map(() => '')
  cells.forEach((row, y) => {
    for (let x = 0; x < row.length; ) {
      const step = stepOf(row[x]!)
      let end = x + 1
      while (end < row.length && stepOf(row[end]!) === step) end++
      if (step >= 0) paths[step] += `M${x} ${y}h${end - x}v1h${x - end}z`
      x = end
    }
  })
  return `<g shape-rendering="crispEdges">${paths.map((path, step) => (path ? `<path ${fill(step)} d="${path}"/>` : '')).join('')}</g>`
}

const stepOf = (value: number) => (Number.isNaN(value) ? -1 : STEPS.findIndex((end) => -value < end))

const fill = (step: number) =>
  `fill="${light.series[0]}" fill-opacity="${round(1 - (step / (STEPS.length - 1)) * 0.95)}"`

function key(y: number, width: number): string {
  const each = Math.min(70, (width - 110) / LABELS.length)
  const swatches = LABELS.map(
    (label, i) =>
      `<g transform="translate(${round(40 + i * each)} ${y})"><rect width="${round(each)}" height="12" ${fill(i)}/><text y="23" dominant-baseline="central">${label}</text></g>`,
  )
  return `<g>${swatches.join('')}<text x="40" y="${y + 43}" dominant-baseline="central" fill="${light.muted}">nats below the most favoured key of the query</text></g>`
}

const round = (value: number, digits = 2) => Number(value.toFixed(digits))
