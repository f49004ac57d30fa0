import { LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Results } from '../results/file.js'
import { times } from './markdown.js'
import { summarize } from './summary.js'

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])

/** Okabe and Ito's colours, which colour-blind people tell apart. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9']
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'roundRect', 'pin']

/** Perplexity over evaluation length, one curve a strategy: the paper's figure 1. */
export function perplexityChart(results: Results): string {
  const { evalLengths, trainLength } = results.run.config
  const lengths = [...evalLengths].sort((a, b) => a - b)
  return render('Held-out perplexity by evaluation length', {
    xAxis: {
      ...axis('evaluation length, in train lengths'),
      type: 'category',
      data: lengths.map((length) => times(length, trainLength)),
    },
    yAxis: { ...axis('perplexity'), type: 'log', logBase: 2, min: powerBelow, max: powerAbove },
    series: summarize(results).map(({ strategy, perplexity }, i) => ({
      ...curve(strategy, i),
      data: lengths.map((length) => perplexity.get(length)?.mean ?? '-'),
    })),
  })
}

/** Training loss over steps, of each strategy's first seed. */
export function lossChart({ run, train }: Results): string {
  const [seed] = run.config.seeds
  return render('Training loss', {
    xAxis: { ...axis('step'), type: 'value' },
    yAxis: { ...axis('nats a token'), type: 'value', scale: true },
    series: run.config.strategies.map((strategy, i) => ({
      ...curve(strategy, i),
      showSymbol: false,
      data: train
        .filter((line) => line.strategy === strategy && line.seed === seed)
        .map((line) => [line.step, line.lossNats]),
    })),
  })
}

// Explosions need a logarithmic axis, small differences its whole height.
const powerBelow = ({ min }: { min: number }) => 2 ** Math.floor(Math.log2(min))
const powerAbove = ({ max }: { max: number }) => 2 ** Math.ceil(Math.log2(max))
const axis = (name: string) => ({ name, nameLocation: 'middle' as const, nameGap: 34 })
const curve = (name: string, i: number) => ({
  name,
  type: 'line' as const,
  symbol: SYMBOLS[i % SYMBOLS.length]!,
  symbolSize: 8,
  lineStyle: { width: 2.5 },
})

function render(title: string, option: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 760, height: 440 })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    title: { text: title, left: 'center' },
    legend: { top: 38, itemGap: 18 },
    grid: { top: 80, left: 72, right: 28, bottom: 60 },
    ...option,
  })
  const svg = chart.renderToSVGString({ useViewBox: true })
  chart.dispose()
  // A picture with a name for those who cannot see it.
  return svg.replace('<svg ', `<svg role="img" aria-label="${title}" `)
}
