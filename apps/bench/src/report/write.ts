import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import type { Results } from '../results/file.js'
import { perplexityChart } from './charts.js'
import { markdownReport } from './markdown.js'
import { htmlReport } from './page.js'

/** Writes `report.md`, `report.html` and the main curve as `perplexity.svg`. */
export async function writeReport(folder: string, results: Results): Promise<{ readonly html: string }> {
  const html = join(folder, 'report.html')
  await writeFileAtomic(join(folder, 'report.md'), markdownReport(results))
  await writeFileAtomic(join(folder, 'perplexity.svg'), perplexityChart(results))
  await writeFileAtomic(html, htmlReport(results))
  return { html }
}
