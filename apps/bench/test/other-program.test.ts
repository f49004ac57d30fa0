// Results that the bench did not write: docs/examples/write-results.ts, and the least that a run may say.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compareResults } from '@alibi/results'
import { readResults } from '@alibi/results/node'
import { expect, it, vi } from 'vitest'
import { report } from '../src/commands/report.js'
import { comparisonText } from '../src/report/comparison.js'

const example = fileURLToPath(new URL('../../../docs/examples/write-results.ts', import.meta.url))

/** Runs it, and takes the folder from the command that it prints. */
async function written(): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import(example)
  const [[command]] = log.mock.calls as [[string]]
  log.mockRestore()
  return command.replace('pnpm bench report ', '')
}

it('a program that is no part of the bench gets its report, its comparison and its page', async () => {
  const folder = await written()
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await report(folder)
  log.mockRestore()
  const markdown = await readFile(join(folder, 'report.md'), 'utf8')
  expect(markdown).toMatch(/\| bigram order 2 +\| +\d\.\d{3} ± 0\.\d{3} \|/)
  expect(markdown).toMatch(/\| trigram order 3 \| \*\*\d\.\d{3} ± 0\.\d{3}\*\* \|/)
  expect(markdown).toContain('shells; seeds 1, 2, 3; backend unknown on n-grams.')
  expect(markdown).not.toMatch(/undefined|NaN/)
  const page = await readFile(join(folder, 'report.html'), 'utf8')
  expect(page).toContain('Another program wrote these results')
  expect(page.replaceAll(/<script[\s\S]*?<\/script>|data:[^"]*/g, '')).not.toMatch(/undefined|\bNaN\b/)
  const results = await readResults(folder)
  expect(comparisonText(compareResults(results, results))).toContain('bigram')
  await rm(folder, { recursive: true })
})

it('the results of a newer bench are shown, with what is not known said once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'alibi-newer-'))
  const kept = await readFile(new URL('../../../docs/results/extrapolation.jsonl', import.meta.url), 'utf8')
  const [first, ...lines] = kept.trimEnd().split('\n')
  const run = JSON.parse(first!)
  const newer = { ...run, config: { ...run.config, preset: 'huge', fresh: true } }
  const text = [newer, { type: 'energy', joules: 3 }].map((line) => JSON.stringify(line))
  await writeFile(
    join(folder, 'results.jsonl'),
    [...text, ...lines, ''].join('\n').replaceAll('"protocol":"sliding"', '"protocol":"leaping","leap":2'),
  )
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  await report(folder)
  const said = error.mock.calls.flat()
  vi.restoreAllMocks()
  expect(log).toBeDefined()
  expect(said).toEqual([
    'note: lines of type energy (1) are not known to this version: kept, and not shown',
    expect.stringMatching(/^note: leap of eval lines \(\d+\) are not known/),
    'note: settings that are not known to this version: fresh',
  ])
  expect(await readFile(join(folder, 'report.md'), 'utf8')).toContain('## Perplexity, leaping')
  expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('This version has no fresh')
  await rm(folder, { recursive: true })
})
