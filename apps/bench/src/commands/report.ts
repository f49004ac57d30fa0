import { linesOf } from '@alibi/results'
import { readResults } from '@alibi/results/node'
import { builtInStrategies } from '@alibi/strategies'
import { Command } from 'commander'
import { notesOf, savedConfig } from '../config/saved.js'
import { expectResults } from '../files/paths.js'
import { restoreStrategy } from '../plugins/admit.js'
import { resultText } from '../report/markdown.js'
import { writeReport } from '../report/write.js'

export function reportCommand(): Command {
  return new Command('report')
    .description('Write report.md, report.html and figures/ again from a folder of results.')
    .argument('<folder>', 'with results.jsonl')
    .option('--plugins', 'run the code of strategies that the results name, for pictures of what they add to scores')
    .action(report)
}

/**
 * Writes the report and shows its first table.
 *
 * @param options - `plugins`: whether code that the results name may run
 */
export async function report(folder: string, { plugins = false }: { readonly plugins?: boolean } = {}): Promise<void> {
  await expectResults('report', folder)
  const results = await readResults(folder)
  for (const note of notesOf(results)) console.error(`note: ${note}`)
  if (linesOf(results).length === 1)
    return console.log(`no report of ${folder}: its results have no line of training or evaluation yet`)
  const config = savedConfig(results.run)
  let registry = builtInStrategies
  const others = Object.entries(config?.plugins ?? {})
  if (others.length && !plugins)
    console.error(
      `no pictures of what ${others.map(([name]) => name).join(', ')} add to scores: --plugins runs their code`,
    )
  for (const [name, plugin] of plugins ? others : [])
    registry = await restoreStrategy(registry, name, plugin, config!, console.error, plugin.from).catch(
      (error: Error) => {
        console.error(`no picture of what ${name} adds to scores: ${error.message}`)
        return registry
      },
    )
  const { html } = await writeReport(folder, results, registry)
  console.log(`${resultText(results).join('\n')}\n\nreport: ${html}`)
}
