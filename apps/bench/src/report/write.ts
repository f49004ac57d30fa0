import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { figureFile } from '@alibi/charts'
import type { Results } from '@alibi/results'
import { builtInStrategies, type StrategyRegistry } from '@alibi/strategies'
import writeFileAtomic from 'write-file-atomic'
import { reportFigures } from './figures/all.js'
import { markdownReport } from './markdown.js'
import { htmlReport } from './page/page.js'
import { loadPng } from './png.js'
import { trainedParameters } from './trained-parameters.js'

/** Writes `report.md`, `report.html` and every figure by itself, in `figures/`, as SVG and PNG. */
export async function writeReport(
  folder: string,
  results: Results,
  registry: StrategyRegistry = builtInStrategies,
): Promise<{ readonly html: string }> {
  const html = join(folder, 'report.html')
  const figures = reportFigures(results, await trainedParameters(folder, results.run, registry), registry)
  await mkdir(join(folder, 'figures'), { recursive: true })
  const png = await loadPng()
  await Promise.all(
    Object.values(figures)
      .flat()
      .map(async (figure) => {
        const svg = figureFile(figure)
        await writeFileAtomic(join(folder, 'figures', `${figure.id}.svg`), svg)
        if (png) await writeFileAtomic(join(folder, 'figures', `${figure.id}.png`), Buffer.from(await png(svg)))
      }),
  )
  await writeFileAtomic(join(folder, 'report.md'), markdownReport(results))
  await writeFileAtomic(html, htmlReport(results, figures))
  return { html }
}
