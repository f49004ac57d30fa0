// Every strategy by its name, in a model of four layers: it trains.
import { selectBackend } from '@alibi/backend'
import { builtInStrategies, strategyNames } from '@alibi/strategies'
import { createModel, createTrainer } from '@alibi/transformer'
import { beforeAll, expect, it } from 'vitest'

const size = { numHeads: 2, modelDim: 8, trainLength: 16 }
const config = { vocabularySize: 5, numLayers: 4, modelDim: size.modelDim, numHeads: size.numHeads }
const text = (length: number) => Int32Array.from({ length }, (_, i) => (i * i) % 5)

beforeAll(async () => {
  await selectBackend('cpu')
})

it.each(strategyNames)('%s', async (name) => {
  const model = createModel(config, builtInStrategies.make(name, size), 1)
  const trainer = createTrainer(model, { kind: 'adamw', learningRate: 0.01 })
  const losses: number[] = []
  for (let step = 0; step < 4; step++) losses.push(await trainer.trainStep([text(size.trainLength)]))
  expect(losses.at(-1)).toBeLessThan(losses[0]!)
  trainer.dispose()
  model.dispose()
})
