// The strategies of docs/examples/strategies, the recipe's among them: checked, trained, and printed there as they are.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { alibiSlopes } from '@alibi/alibi'
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

/** A position's angle of plain rotary, headDim 4. */
const turn = (position: number, pair: number) => position / 10_000 ** (pair / 2)
const logSigmoid = (x: number) => -Math.log1p(Math.exp(-x))
const alibiBias: ConformanceOptions['bias'] = (head, query, key) => -alibiSlopes(3)[head]! * (query - key)

/** Their formulas once more. */
const recipe: Record<string, ConformanceOptions> = {
  'log-bias': { bias: (head, query, key) => -(4 / 2 ** head) * Math.log1p(query - key) },
  'learned-log-bias': {
    bias: (head, query, key, { logP, logA }) =>
      -Math.exp(logP![head]!) * Math.log1p(Math.exp(logA![head]!) * (query - key)),
  },
  'relative-log-bias': {
    bias: (head, query, key, { logP, logA }) => {
      const grown = (length: number) => Math.log1p(Math.exp(logA![head]!) * length)
      return (-Math.exp(logP![head]!) * grown(query - key)) / grown(Math.max(query, model.trainLength))
    },
  },
}
const others: Record<string, ConformanceOptions> = {
  'axial-rotary': {
    angle: (position, pair) => (pair ? position % 8 : Math.floor(position / 8)),
    pairing: 'half',
  },
  'dynamic-position-bias': {
    bias: (head, query, key, { w1, b1, w2 }) =>
      w1!.reduce((sum, w, i) => {
        const hidden = Math.max(0, w * Math.log1p(query - key) + b1![i]!)
        return sum + w2![head * w1!.length + i]! * hidden
      }, 0),
  },
  'first-tokens': {
    angle: (position, pair) => turn(position < 4 ? position : position / 8, pair),
    pairing: 'half',
  },
  'grid-alibi': {
    bias: (head, query, key) =>
      -alibiSlopes(3)[head]! * Math.hypot(Math.floor(query / 8) - Math.floor(key / 8), (query % 8) - (key % 8)),
  },
  halves: {
    bias: (head, query, key) => -[...alibiSlopes(2), 0][head]! * (query - key),
    angle: (position, pair, head) => (head < 2 ? 0 : turn(position, pair)),
    pairing: 'half',
  },
  'log-n': {
    angle: turn,
    pairing: 'half',
    magnitude: (position, _pair, side) =>
      side === 'key' ? 1 : Math.max(1, Math.log(position + 1) / Math.log(model.trainLength)),
  },
  'sinks-and-window': { bias: alibiBias },
  // Its layers have biases of their own; what they are is below.
  'slopes-by-layer': {},
  'soft-cap': { scores: (_head, { scores }) => Array.from(scores, (score) => 50 * Math.tanh(score / 50)) },
  'stick-breaking': {
    scores: (_head, { scores }) =>
      Array.from(
        scores,
        (score, key) =>
          logSigmoid(score) + scores.subarray(key + 1).reduce((sum, after) => sum + logSigmoid(-after), 0),
      ),
  },
}
const all = { ...recipe, ...others }

beforeAll(async () => {
  await selectBackend('cpu')
})

it('are all here', () => {
  const files = readdirSync(join(docs, 'examples/strategies')).sort()
  expect(files).toEqual(
    Object.keys(all)
      .map((name) => `${name}.ts`)
      .sort(),
  )
})

describe.each(Object.entries(all))('%s', async (name, known) => {
  const { factory } = await loadPlugin(fileOf(name))
  for (const each of conformanceCases(() => factory(contextOf(model)), known)) it(each.name, each.run)

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
})

it.each(Object.keys(recipe))('%s is in the recipe as it is', (name) => {
  const text = readFileSync(join(docs, 'add-a-strategy.md'), 'utf8')
  expect(text).toContain(`\`\`\`ts\n${readFileSync(fileOf(name), 'utf8')}\`\`\``)
})

it('slopes-by-layer halves its slopes from each layer to the next', async () => {
  const { factory } = await loadPlugin(fileOf('slopes-by-layer'))
  const layers = factory(contextOf(model)).layers!
  const first = layers.map((layer) => conformanceCases(layer, { bias: alibiBias }))
  await expect(Promise.all(first[0]!.map(({ run }) => run()))).resolves.toBeDefined()
  const second = first[1]!.find(({ name }) => name === 'has the bias it is known to have')!
  expect(() => second.run()).toThrow('every value is 0.5 times what it should be')
})
