import { selectBackend } from '@alibi/backend'
import { builtInStrategies } from '@alibi/strategies'
import { createModel, trainingBatch } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, it } from 'vitest'
import { modelConfig } from '../src/config/model.js'
import { presets } from '../src/config/presets.js'
import { resolveRunConfig } from '../src/config/resolve.js'
import type { RunConfig } from '../src/config/schema.js'
import { readCorpus } from '../src/data/corpus.js'

beforeAll(async () => {
  await selectBackend('wasm')
})

/** Nats above ln V, the loss of who knows nothing. */
const ABOVE_CHANCE = 0.1
const ROWS = 4
/** The words of the typescript package's source in the place of WikiText's, which no test downloads. */
const data = 'typescript'

/** Without paper-wt103, whose 247 million weights are too many for a test: its small sister has the same parts. */
const names = Object.keys(presets).filter((name): name is RunConfig['preset'] => name !== 'paper-wt103')

it.each(names)('the first loss of preset %s is no worse than chance', async (preset) => {
  const config = resolveRunConfig({ preset, data })
  const { train, tokenizer } = await readCorpus(config, { log() {} })
  const rows = trainingBatch(train, { ...config, batchSize: ROWS, seed: 1, step: 0 })
  const inputs = rows.map((row) => row.subarray(0, -1))
  const targets = Int32Array.from(rows.flatMap((row) => [...row.subarray(1)]))
  for (const strategy of new Set(['none', ...config.strategies])) {
    const model = createModel(
      modelConfig(config, tokenizer.vocabularySize),
      builtInStrategies.make(strategy, config),
      1,
    )
    const [loss] = tf.tidy(() => {
      const { vocabulary } = model
      const places = vocabulary.tailPlaces(targets).map((list) => tf.tensor1d(list, 'int32'))
      return tf.mean(vocabulary.losses(model.forward(inputs), tf.tensor1d(targets, 'int32'), places)).dataSync()
    })
    model.dispose()
    expect(loss, strategy).toBeLessThan(Math.log(tokenizer.vocabularySize) + ABOVE_CHANCE)
  }
})
