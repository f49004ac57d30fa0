// Results of a program that is no part of the bench: character n-grams in the place of transformers. Anything that writes
// such lines gets `pnpm bench report <folder>`, `compare` and the statistics of @alibi/results.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const text = 'she sells sea shells on the sea shore; the shells she sells are sea shells, surely. '.repeat(12)
const characters = new Set(text).size

/** Mean nats a character of `held` in chunks of `length`, by counts of `order` characters in `train`, each plus 0.1. */
function lossOf(order: number, train: string, held: string, length: number): number {
  const counts = new Map<string, number>()
  const times = (key: string) => counts.get(key) ?? 0
  for (let end = order; end <= train.length; end++)
    for (const key of [train.slice(end - order, end), `${train.slice(end - order, end - 1)}*`])
      counts.set(key, times(key) + 1)
  const losses = Array.from({ length: held.length }, (_, i) => i).filter((i) => i % length >= order - 1)
  const nats = (i: number) => {
    const seen = held.slice(i - order + 1, i)
    return -Math.log((times(seen + held[i]) + 0.1) / (times(`${seen}*`) + 0.1 * characters))
  }
  return losses.reduce((sum, i) => sum + nats(i), 0) / losses.length
}

const config = { strategies: ['bigram', 'trigram'], seeds: [1, 2, 3], trainLength: 16, data: 'shells' }
const lines: object[] = [{ type: 'run', schemaVersion: 1, config, device: 'n-grams' }]
for (const [i, strategy] of config.strategies.entries())
  for (const seed of config.seeds)
    for (const evalLength of [16, 64]) {
      const [train, held] = [text.slice(97 * seed, 97 * seed + 500), text.slice(-256)]
      const lossNats = lossOf(i + 2, train, held, evalLength)
      const cell = { strategy, seed, trainLength: config.trainLength, size: `order ${i + 2}` }
      const reading = { evalLength, protocol: 'nonoverlapping', stride: evalLength, tokens: held.length }
      lines.push({ type: 'eval', ...cell, ...reading, lossNats, perplexity: Math.exp(lossNats) })
    }
const folder = mkdtempSync(join(tmpdir(), 'n-grams-'))
writeFileSync(join(folder, 'results.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
console.log(`pnpm bench report ${folder}`)
