// What a compiled step promises beyond its numbers, and what of its cost does not depend on the machine.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import { compile, selectBackend } from '@alibi/backend'
import { conformanceCases } from '@alibi/core/conformance'
import { sinusoidal } from '@alibi/sinusoidal'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createModel, createTrainer, evaluate, type StepCompiler, tfDifferentiable } from '../src/index.js'
import { loadCheckpoint, saveCheckpoint } from '../src/node.js'
import { strategies, strategiesOfEachKind, tiles, tiny, tokens } from './strategies.js'

const unavailable = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
beforeAll(async () => {
  await tf.setBackend(unavailable ? 'cpu' : 'tensorflow')
})

it('resumes a compiled training bit for bit', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const folder = await mkdtemp(join(tmpdir(), 'alibi-compiled-'))
  const strategy = strategies.find(([name]) => name === 't5-bias')![1]
  const config = { kind: 'adamw', learningRate: 1e-2, clipNorm: 1, weightDecay: 0.1 } as const
  const whole = createTrainer(createModel({ ...tiny, dropout: 0.1 }, strategy), config, { ...tiles, compile })
  const step = (trainer: typeof whole) => trainer.trainStep([tokens(7, trainer.step), tokens(7, 2 * trainer.step)])
  for (let i = 0; i < 3; i++) await step(whole)
  await saveCheckpoint(join(folder, 'c'), whole)
  const { trainer: resumed } = await loadCheckpoint(join(folder, 'c'), strategy, { ...tiles, compile })
  for (let i = 0; i < 4; i++) expect(await step(resumed)).toBe(await step(whole))
  for (const trainer of [whole, resumed]) trainer.dispose()
  await rm(folder, { recursive: true })
})

/** What the most general rungs may add to a step; a change that adds ops must say so here. */
const GENERAL: Readonly<Record<string, number>> = { terms: 400, 'soft cap of a table by layer': 200, fire: 340 }

it('has few ops a step, whatever the strategy', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const counts: Record<string, number> = {}
  for (const [name, strategy] of strategiesOfEachKind) {
    const onCompile = ({ numOps }: { numOps: number }) => {
      counts[name] = numOps
    }
    const trainer = createTrainer(
      createModel(tiny, strategy),
      { kind: 'adamw', learningRate: 1e-3 },
      // As many are recorded, and XLA takes seconds with each.
      { compile: (step, variables) => compile(step, variables, { xla: false, onCompile }) },
    )
    await trainer.trainStep([tokens(9)])
    trainer.dispose()
    trainer.model.dispose()
  }
  // Two layers without positions, and what each strategy may add, in each layer if it is learned there. A change that adds
  // ops must say so here.
  expect(counts.none).toBeLessThanOrEqual(140)
  for (const [name, { parameterScope }] of strategiesOfEachKind) {
    const most = GENERAL[name] ?? (parameterScope === 'layer' ? 2 * 140 : 120)
    expect(counts[name]! - counts.none!, name).toBeLessThanOrEqual(most)
  }
})

it.each([
  ['alibi, which skips', alibi({ numHeads: 2 })],
  ['sinusoidal, which does not', sinusoidal({ modelDim: 8 })],
] as const)('evaluates in memory that grows no faster than the text: %s', async (_name, strategy) => {
  const model = createModel(tiny, strategy)
  const peak = async (evalLength: number) =>
    (await evaluate(model, tokens(evalLength + 1), { evalLength, batchTokens: evalLength, queriesPerTile: 64 }))
      .peakBytes
  // From where tiles have their full size.
  const [short, long] = [await peak(2048), await peak(8192)]
  expect(Math.log(long / short) / Math.log(4)).toBeLessThan(1.1)
  model.dispose()
})

describe.each(strategies)('%s', (_name, strategy) => {
  const cases = conformanceCases(strategy, { differentiable: tfDifferentiable })
  const trained = cases.filter(({ name }) => name.startsWith('trains every parameter'))
  if (strategy.parameters) for (const { name, run } of trained) it(name, run)
  else
    it('has nothing to train', () => {
      expect(trained).toEqual([])
    })
})

it('interpolates in a graph as op by op', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const strategy = strategies.find(([name]) => name === 'cope')![1]
  const losses = async (compiler?: StepCompiler) => {
    const model = createModel({ ...tiny, numLayers: 1 }, strategy, 5)
    const options = { ...tiles, ...(compiler && { compile: compiler }) }
    const trainer = createTrainer(model, { kind: 'adamw', learningRate: 1e-2 }, options)
    const all: number[] = []
    for (let i = 0; i < 4; i++) all.push(await trainer.trainStep([tokens(12, i), tokens(12, i + 4)]))
    trainer.dispose()
    model.dispose()
    return all
  }
  const onFallback = (reason: string) => expect.fail(reason)
  const compiled = await losses((step, variables) => compile(step, variables, { xla: false, onFallback }))
  expect(compiled).toBeAllclose(await losses(), { rtol: 1e-5 })
})
