import { selectBackend } from '@alibi/backend'
import { builtInStrategies } from '@alibi/strategies'
import { createModel, trainingBatch } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, it } from 'vitest'
import { modelConfig } from '../src/config/model.js'
import { presets } from '../src/config/presets.js'
import { resolveRunConfig } from '../src/config/resolve.js'
import type { RunConfig, RunOptions } from '../src/config/schema.js'
import { readCorpus } from '../src/data/corpus.js'

beforeAll(async () => {
  await selectBackend('wasm')
})

/** Nats above ln V, the loss of who knows nothing. */
const ABOVE_CHANCE = 0.1
const ROWS = 4
/** The words of the typescript package's source in the place of WikiText's, which no test downloads. */
const data = 'typescript'

/** As deep as it is, with its choices and starts, but narrower: 247 million weights and more are too many for a test. */
const smaller: RunOptions = {
  ...{ modelDim: 128, numHeads: 4, trainLength: 64, batchSize: 8, devices: 8, microBatches: 1 },
  ...{ vocabularySize: 32_768, adaptiveCutoffs: [2000, 8000], strategies: ['alibi'] },
}
const changes: Partial<Record<RunConfig['preset'], RunOptions>> = {
  'paper-wt103': smaller,
  'paper-1.3b': { ...smaller, adaptiveCutoffs: undefined, numLayers: 4, vocabularySize: 8000 },
}
const names = Object.keys(presets) as RunConfig['preset'][]

it.each(names)('the first loss of preset %s is no worse than chance', async (preset) => {
  const config = resolveRunConfig({ preset, data, ...changes[preset] })
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
    const [loss, square] = tf.tidy(() => {
      const { vocabulary } = model
      const places = vocabulary.tailPlaces(targets).map((list) => tf.tensor1d(list, 'int32'))
      const hidden = model.forward(inputs)
      const losses = vocabulary.losses(hidden, tf.tensor1d(targets, 'int32'), places)
      return [tf.mean(losses), tf.mean(tf.square(hidden))].map((each) => each.dataSync()[0]!)
    }) as [number, number]
    model.dispose()
    // fairseq's rows have norm 1: logits have the variance of the hidden state, and half of it is what they cost by chance.
    const spread = config.initialization === 'fairseq' ? square / 2 : 0
    expect(loss, strategy).toBeLessThan(Math.log(tokenizer.vocabularySize) + ABOVE_CHANCE + spread)
  }
})
