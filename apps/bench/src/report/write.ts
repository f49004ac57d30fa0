import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import type { Results } from '../results/file.js'
import { reportFigures } from './figures/all.js'
import { markdownReport } from './markdown.js'
import { htmlReport } from './page/page.js'

/** Writes `report.md`, `report.html` and every figure by itself, as `figures/*.svg`. */
export async function writeReport(folder: string, results: Results): Promise<{ readonly html: string }> {
  const html = join(folder, 'report.html')
  const figures = reportFigures(results, new Map())
  await mkdir(join(folder, 'figures'), { recursive: true })
  for (const { id, title, aspect, draw } of Object.values(figures).flat())
    await writeFileAtomic(
      join(folder, 'figures', `${id}.svg`),
      draw({ width: 760, height: Math.round(760 / aspect) + 36, title }),
    )
  await writeFileAtomic(join(folder, 'report.md'), markdownReport(results))
  await writeFileAtomic(html, htmlReport(results, figures))
  return { html }
}
