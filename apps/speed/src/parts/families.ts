import { strategyNames } from '@alibi/strategies'
import { compare } from '../steps/compare.js'
import type { Size } from '../steps/contestant.js'
import { ours } from '../steps/ours.js'
import { makeStart } from '../steps/start.js'
import { savingTable, strategyTable } from '../steps/tables.js'
import { contestantsOf, type Saving, savings } from '../steps/train-short.js'
import { model, type Part } from './part.js'

/** The models of plans/families.yaml. */
const familySize: Size = {
  name: 'families',
  batch: 16,
  length: 64,
  layers: 4,
  dim: 128,
  heads: 4,
  vocabulary: 256,
  steps: 10,
}

/** A size where attention counts but a round is short. */
const wideSize: Size = { name: 'strategies', batch: 8, length: 256, ...model, steps: 4 }

const steps = (name: string, size: Size, first: string): Part => ({
  name,
  what: `what every strategy's step of ${size.batch} × ${size.length} tokens costs against ${first}'s`,
  async run({ rounds, log, print }) {
    const start = await makeStart(size)
    try {
      const others = strategyNames.filter((name) => name !== first).map((name) => () => unanswered(name))
      // Each strategy is another model.
      const unanswered = async (name: string) => ({ ...(await ours(start, name, log)), answers: undefined })
      const { outcomes } = await compare(await unanswered(first), [others], { steps: size.steps, rounds, log })
      print(strategyTable(outcomes))
      return { size, outcomes }
    } finally {
      start.dispose()
    }
  },
})

export const families = steps('families', familySize, 'alibi')
/** The paper's baseline is sinusoidal. */
export const strategies = steps('strategies', wideSize, 'sinusoidal')

export const trainShort: Part = {
  name: 'train-short',
  what: 'what training short saves',
  async run({ rounds, log, print }) {
    const all: (Saving & Pick<Awaited<ReturnType<typeof compare>>, 'outcomes'>)[] = []
    for (const saving of savings) {
      const { short, long } = saving
      log(`  ${short.batch} × ${short.length} against ${long.batch} × ${long.length}, width ${short.dim}`)
      const [first, second] = await contestantsOf(saving, log)
      const { outcomes } = await compare(first, [[async () => second]], { steps: short.steps, rounds, log })
      all.push({ ...saving, outcomes })
    }
    print(savingTable(all))
    return { savings: all }
  },
}
