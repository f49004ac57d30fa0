// The strategies of docs/add-a-strategy.md: checked, trained, and printed there as they are.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { selectBackend } from '@alibi/backend'
import { type ConformanceOptions, conformanceCases } from '@alibi/core/conformance'
import { contextOf } from '@alibi/strategies'
import { createModel, createTrainer } from '@alibi/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { admitStrategies, loadStrategies } from '../src/plugins/admit.js'
import { loadPlugin } from '../src/plugins/load.js'

const docs = fileURLToPath(new URL('../../../docs', import.meta.url))
const fileOf = (name: string) => join(docs, 'examples/strategies', `${name}.ts`)
const model = { numHeads: 3, modelDim: 12, trainLength: 16 }

/** Their formulas once more. */
const formulas: Record<string, NonNullable<ConformanceOptions['bias']>> = {
  'log-bias': (head, query, key) => -(4 / 2 ** head) * Math.log1p(query - key),
  'learned-log-bias': (head, query, key, { logP, logA }) =>
    -Math.exp(logP![head]!) * Math.log1p(Math.exp(logA![head]!) * (query - key)),
  'relative-log-bias': (head, query, key, { logP, logA }) => {
    const grown = (length: number) => Math.log1p(Math.exp(logA![head]!) * length)
    return (-Math.exp(logP![head]!) * grown(query - key)) / grown(Math.max(query, model.trainLength))
  },
}

beforeAll(async () => {
  await selectBackend('cpu')
})

it('are all here', () => {
  const files = readdirSync(join(docs, 'examples/strategies')).sort()
  expect(files).toEqual(
    Object.keys(formulas)
      .map((name) => `${name}.ts`)
      .sort(),
  )
})

describe.each(Object.entries(formulas))('%s', async (name, bias) => {
  const { factory } = await loadPlugin(fileOf(name))
  for (const each of conformanceCases(() => factory(contextOf(model)), { bias })) it(each.name, each.run)

  it('is admitted to the bench and trains: the loss falls, and with it what it learns', async () => {
    const admitted = await admitStrategies(await loadStrategies([fileOf(name)]), model, () => {})
    expect(admitted.config.strategies).toEqual([name])
    const config = { vocabularySize: 5, numLayers: 1, modelDim: model.modelDim, numHeads: model.numHeads }
    const trained = createModel(config, admitted.registry.make(name, model), 1)
    const trainer = createTrainer(trained, { kind: 'adamw', learningRate: 0.01 })
    const own = [...trained.parameters].filter(([key]) => key.includes('position.'))
    const before = own.map(([, variable]) => [...variable.dataSync()])
    const row = Int32Array.from({ length: model.trainLength }, (_, i) => (i * i) % 5)
    const losses: number[] = []
    for (let step = 0; step < 6; step++) losses.push(await trainer.trainStep([row]))
    expect(losses.at(-1)).toBeLessThan(losses[0]!)
    own.forEach(([key, variable], i) => {
      expect([...variable.dataSync()], key).not.toEqual(before[i])
    })
    trainer.dispose()
    trained.dispose()
  })

  it('is in the recipe as it is', () => {
    const recipe = readFileSync(join(docs, 'add-a-strategy.md'), 'utf8')
    expect(recipe).toContain(`\`\`\`ts\n${readFileSync(fileOf(name), 'utf8')}\`\`\``)
  })
})
