import { readResults } from '@alibi/results/node'
import { Command } from 'commander'
import { notesOf, savedConfig } from '../config/saved.js'
import { expectResults } from '../files/paths.js'
import { restoreStrategy } from '../plugins/admit.js'
import { resultTable } from '../report/markdown.js'
import { writeReport } from '../report/write.js'

export function reportCommand(): Command {
  return new Command('report')
    .description('Write report.md, report.html and figures/ again from a folder of results.')
    .argument('<folder>', 'with results.jsonl')
    .action(report)
}

/** Writes the report and shows its first table. */
export async function report(folder: string): Promise<void> {
  await expectResults('report', folder)
  const results = await readResults(folder)
  for (const note of notesOf(results)) console.error(`note: ${note}`)
  const config = savedConfig(results.run)
  for (const [name, plugin] of Object.entries(config?.plugins ?? {}))
    await restoreStrategy(name, plugin, config!, console.error).catch((error: Error) =>
      console.error(`no picture of what ${name} adds to scores: ${error.message}`),
    )
  const { html } = await writeReport(folder, results)
  console.log(`${resultTable(results).join('\n')}\n\nreport: ${html}`)
}
