import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import writeFileAtomic from 'write-file-atomic'
import { leadTables, withTables } from '../lead.js'
import { readResults } from '../results.js'

export function tableCommand(): Command {
  return new Command('table')
    .description('Print ours beside the best peer of each part, from a file of results.')
    .argument('<results>', 'JSON that `pnpm speed` wrote')
    .option('--into <page>', 'write it into a Markdown page, between its two comments, instead')
    .action(async (results: string, { into }: { into?: string }) => {
      const lines = leadTables(readResults(results))
      if (into === undefined) console.log(lines.join('\n'))
      else await writeFileAtomic(into, withTables(readFileSync(into, 'utf8'), lines))
    })
}
