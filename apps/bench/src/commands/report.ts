import { Command } from 'commander'
import { resultTable } from '../report/markdown.js'
import { writeReport } from '../report/write.js'
import { readResults } from '../results/file.js'

export function reportCommand(): Command {
  return new Command('report')
    .description('Write report.md, report.html and figures/ again from a folder of results.')
    .argument('<folder>', 'with results.jsonl')
    .action(report)
}

async function report(folder: string): Promise<void> {
  const results = await readResults(folder)
  const { html } = await writeReport(folder, results)
  console.log(`${resultTable(results).join('\n')}\n\nreport: ${html}`)
}
