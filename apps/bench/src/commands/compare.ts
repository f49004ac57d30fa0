import { compareResults } from '@alibi/results'
import { readResults } from '@alibi/results/node'
import { Command } from 'commander'
import { expectResults } from '../files/paths.js'
import { comparisonText } from '../report/comparison.js'

export function compareCommand(): Command {
  return new Command('compare')
    .description("Show two runs' (or sweeps') differences: settings, perplexity with a paired test, speed, memory.")
    .argument('<A>', 'a folder with results.jsonl')
    .argument('<B>', 'another')
    .option('--json', 'as JSON')
    .action(compare)
}

async function compare(a: string, b: string, { json = false }: { readonly json?: boolean }): Promise<void> {
  for (const folder of [a, b]) await expectResults('compare', folder)
  const comparison = compareResults(await readResults(a), await readResults(b))
  const plain = (_: string, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value)
  console.log(
    json ? JSON.stringify({ a, b, ...comparison }, plain, 2) : `A  ${a}\nB  ${b}\n\n${comparisonText(comparison)}`,
  )
}
