import { BarChart, CustomChart, LineChart } from 'echarts/charts'
import { GridComponent, TitleComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { compact } from './compact.js'
import { light } from './palette.js'

use([LineChart, BarChart, CustomChart, GridComponent, TitleComponent, SVGRenderer])

/** Inter is what PNG files are drawn with. */
export const FONT = 'Inter, system-ui, sans-serif'

/** How a picture is to come out: for the page's width, a phone's, or by itself with a title. */
export interface Format {
  readonly width: number
  readonly height: number
  /** On a background of its own, under this title. */
  readonly title?: string
}

/**
 * An SVG picture in the light theme's colours.
 *
 * @param tag - marks what is drawn of each series, which ECharts numbers in `ecmeta_series_index`
 */
export function render(
  option: EChartsCoreOption,
  { width, height, title }: Format,
  tag: (svg: string) => string = (svg) => svg,
): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: FONT, color: light.ink },
    ...(title && {
      backgroundColor: light.background,
      title: { text: title, left: 16, top: 12, textStyle: { fontSize: 17, color: light.ink } },
    }),
    ...option,
  })
  const svg = chart.renderToSVGString({ useViewBox: true })
  chart.dispose()
  return compact(tag(withoutNames(svg)).replaceAll(/ ecmeta_\w+="[^"]*"/g, ''))
}

/** Pixels that the title takes at the top. */
export const titleRoom = ({ title }: Format) => (title ? 48 : 12)

// The styles of a mouse that hovers, and clips that cut nothing, name elements in every picture of the page, where names are
// of one element alone.
const withoutNames = (svg: string) =>
  svg
    .replace(/<(style|defs) ?>[\s\S]*?<\/\1>/g, '')
    .replaceAll(/ clip-path="[^"]*"/g, '')
    .replace(/ (?:class|pointer-events|xml:space|baseProfile|version|xmlns:xlink)="[^"]*"/g, '')
    .replace(/ width="\d+" height="\d+"(?= xmlns)/, '')
    .replaceAll('"#fff"', `"${light.background}"`)
    .replaceAll(/\n+/g, '')
