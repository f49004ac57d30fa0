import { difference } from '../steps/compare.js'
import type { Absent } from '../steps/contestant.js'
import { oursAlone } from '../steps/ours.js'
import { jax, torch } from '../steps/peers.js'
import type { InProcess } from '../steps/process.js'
import { makeStart } from '../steps/start.js'
import { memoryTable, type Peaks } from '../steps/tables.js'
import type { Part } from './part.js'
import { trainingSizes } from './training.js'

/** Steps after those that make the graph. */
const STEPS = 2
const size = trainingSizes.find(({ name }) => name === '4096')!

export const memory: Part = {
  name: 'memory',
  what: `the most memory that is resident in training on ${size.length} tokens, each in a process of its own`,
  async run({ python, log, print }): Promise<Peaks> {
    const start = await makeStart(size)
    const peaks: { name: string; peakBytes: number }[] = []
    const absent: Absent[] = []
    let own: InProcess | undefined
    try {
      for (const begin of [
        () => oursAlone(size),
        () => torch(start, 'train', { attention: 'sdpa' }, python),
        () => torch(start, 'train', { attention: 'sdpa', compile: true }, python),
        () => jax(start, 'train', 'dot_product_attention', python),
      ]) {
        const one = await begin()
        const reason = 'reason' in one ? one.reason : own && difference(own, one)
        if (reason !== undefined) absent.push({ name: one.name, reason })
        if ('reason' in one) continue
        own ??= one
        if (reason === undefined) {
          await one.run(STEPS)
          peaks.push({ name: one.name, peakBytes: one.peakBytes() })
          log(`  ${one.name}: ${(one.peakBytes() / 2 ** 20).toFixed(0)} MiB`)
        }
        one.dispose()
      }
    } finally {
      start.dispose()
    }
    const found = { size, peaks, absent }
    print(memoryTable(found))
    return found
  },
}
