import { escapeHtml } from './escape.js'

/** Values by the name of their attribute without `data-`, e.g. `{ strategy: 'alibi' }`. */
export type Tags = Readonly<Record<string, string | number>>

/** Tags as attributes, with a space before each. */
export const attributesOf = (tags: Tags = {}): string =>
  Object.entries(tags)
    .map(([name, value]) => ` data-${name}="${escapeHtml(`${value}`)}"`)
    .join('')

interface Tagged {
  readonly name: string
  /** The column of the figure's table. */
  readonly column: number
  readonly points: readonly { readonly x: number }[]
  readonly tags?: Tags
}

/**
 * Marks what ECharts has drawn of each curve, so that a page can hide a curve with its band, symbols and name, and knows of
 * each point which cell of the figure's table has its value: `data-column`, and `data-rows` in the order of the points where
 * they are not the first rows.
 *
 * @param owners - the curve that each series is of, by the series' number
 * @param xs - of all points, also of those that are not drawn: the table has a row for each
 */
export function tagCurves(
  svg: string,
  curves: readonly Tagged[],
  { owners, xs }: { readonly owners: readonly number[]; readonly xs: readonly number[] },
): string {
  const rows = new Map([...new Set(xs)].sort((a, b) => a - b).map((x, i) => [x, i]))
  const byName = new Map(curves.map(({ name, tags }) => [escapeHtml(name), attributesOf(tags)]))
  let next = 0
  return svg
    .replaceAll(/<path (?=[^>]*stroke-width="2\.5")/g, () => {
      const { column, points, tags } = curves[next++]!
      const of = points.map(({ x }) => rows.get(x))
      const inOrder = of.every((row, i) => row === i)
      return `<path data-column="${column}"${inOrder ? '' : ` data-rows="${of.join(' ')}"`}${attributesOf(tags)} `
    })
    .replaceAll(/<(path|polygon) ([^>]*?) ecmeta_series_index="(\d+)"([^>]*)>/g, (_, kind, before, series, after) => {
      const curve = curves[owners[Number(series)] ?? -1]
      return `<${kind}${attributesOf(curve?.tags)} ${before}${after}>`
    })
    .replaceAll(/<text ([^>]*font-weight:bold[^>]*)>([^<]*)</g, (whole, attributes, name) =>
      byName.has(name) ? `<text${byName.get(name)} ${attributes}>${name}<` : whole,
    )
}

/**
 * Marks what ECharts has drawn of each bar, so that a page can fade it, and knows which row of the figure's table has its
 * value: `data-row`.
 *
 * @param owners - the bars of each series' items, by the series' number
 */
export function tagBars(
  svg: string,
  bars: readonly { readonly tags?: Tags }[],
  owners: readonly (readonly number[])[],
): string {
  let label = 0
  return svg
    .replaceAll(/<path ([^>]*?) ecmeta_series_index="(\d+)" ecmeta_data_index="(\d+)"([^>]*)>/g, (whole, ...found) => {
      const [before, series, item, after] = found as string[]
      const bar = owners[Number(series)]?.[Number(item)]
      if (bar === undefined) return whole
      const row = series === '0' ? ` data-row="${bar}"` : ''
      return `<path${row}${attributesOf(bars[bar]!.tags)} ${before}${after}>`
    })
    .replaceAll(/<text (?=[^>]*text-anchor="start")(?![^>]*font-weight)/g, (start) =>
      label < bars.length ? `<text${attributesOf(bars[label++]!.tags)} ${start.slice(6)}` : start,
    )
}
