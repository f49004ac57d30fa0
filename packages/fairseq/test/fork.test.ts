import { readFile } from 'node:fs/promises'
import { selectBackend } from '@alibi/backend'
import { none } from '@alibi/core'
import { createModel, createTrainer, evaluate } from '@alibi/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { fairseqBatches, loadFairseq, parseFairseqDictionary } from '../src/index.js'
import fork from './golden/fork.json' with { type: 'json' }

// What the ALiBi authors' fork of fairseq did with the same weights and text (tooling/golden/fairseq_fork.py).
const golden = (name: string) => new URL(`golden/${name}`, import.meta.url).pathname

let text: Int32Array
let endOfLine: number
beforeAll(async () => {
  await selectBackend('auto')
  const dictionary = parseFairseqDictionary(await readFile(golden('paper-tiny.dict.txt'), 'utf8'))
  endOfLine = dictionary.endOfLine
  text = dictionary.encode(await readFile(golden('paper-tiny.valid.tokens')))
})

// The rest takes too long here; docs/the-papers-own-checkpoints.md has what it gave.
const quick = fork.windows.filter(({ tokens_per_sample: length, context_window, tokens_scored }) => {
  const passes = (tokens_scored - length) / (length - context_window)
  return passes * length < 200_000
})

it.each(quick)(
  'slides windows of $tokens_per_sample with $context_window tokens of context over $tokens_scored tokens to the same loss',
  async ({ tokens_per_sample: evalLength, context_window, mean_nats, tokens_scored }) => {
    const { model } = await loadFairseq(golden('paper-tiny.pt'))
    const { tokens, lossNats } = await evaluate(model, Int32Array.of(endOfLine, ...text.subarray(0, tokens_scored)), {
      evalLength,
      protocol: 'sliding',
      stride: evalLength - context_window,
      windows: 'fairseq',
    })
    model.dispose()
    expect(tokens).toBe(tokens_scored)
    expect(Math.abs(lossNats - mean_nats)).toBeLessThan(1e-6)
  },
)

describe('batches', () => {
  const { tokens_per_sample: trainLength, max_tokens, seed, steps } = fork.batches
  const rowsOfDevice = max_tokens / trainLength

  // Gradients are summed, so the order within a step is nobody's.
  it.each(Object.entries(steps))(
    'are the blocks of each step over three epochs, %s devices and parts',
    (shape, wanted) => {
      const [devices, parts] = shape.split('x').map(Number) as [number, number]
      const rowsOf = fairseqBatches(text, {
        trainLength,
        batchSize: rowsOfDevice * devices * parts,
        devices: devices * parts,
        seed,
        endOfLine,
      })
      const whole = Int32Array.of(endOfLine, ...text)
      const rowOf = (block: number) => [...whole.subarray(block * trainLength, (block + 1) * trainLength + 1)]
      const sorted = (rows: number[][]) => rows.map((row) => row.join(' ')).sort()
      for (const [step, blocks] of wanted.entries())
        expect(sorted(rowsOf(step).map((row) => [...row])), `step ${step}`).toEqual(sorted(blocks.map(rowOf)))
    },
  )

  it('read every token once an epoch, and none of another step again when asked for it', () => {
    const rowsOf = fairseqBatches(text, { trainLength: 50, batchSize: 8, seed: 3, endOfLine })
    const steps = Math.ceil(Math.ceil(text.length / 50) / 8)
    const targets = Array.from({ length: steps }, (_, step) => rowsOf(step)).flat(1)
    expect(targets.reduce((sum, row) => sum + row.length - 1, 0)).toBe(text.length)
    const again = rowsOf(1)
    rowsOf(steps + 1)
    expect(rowsOf(1)).toEqual(again)
    const floats = Float32Array.from(text) as never
    expect(() => fairseqBatches(floats, { trainLength: 50, batchSize: 8, seed: 3, endOfLine })).toThrow(
      'got Float32Array',
    )
    expect(() => fairseqBatches(text, { trainLength: 50, batchSize: 8, devices: 3, seed: 3, endOfLine })).toThrow(
      'fairseqBatches: expected devices that divide the batch of 8, got 3',
    )
  })
})

describe('30 steps from the same weights', () => {
  const { blocks, float32, float64, schedule } = fork.training
  it('have the same losses, to what float32 allows', async () => {
    const { model, trainLength } = await loadFairseq(golden('fork-start.pt'))
    const trainer = createTrainer(model, {
      kind: 'sgd-nesterov',
      learningRate: schedule.lr[0]!,
      initialLearningRate: schedule.warmup_init_lr,
      minLearningRate: schedule.min_lr,
      warmupSteps: schedule.warmup_updates,
      totalSteps: schedule.warmup_updates + schedule.lr_period_updates,
      clipNorm: 0.1,
    })
    const whole = Int32Array.of(endOfLine, ...text)
    const rowOf = (block: number) => whole.subarray(block * trainLength, (block + 1) * trainLength + 1)
    // Ours rounds as the fork's own float32 does, elsewhere: several times what that is off, and a step's rounding.
    const rounding = Math.max(...float32.map((loss, step) => Math.abs(loss - float64[step]!)))
    let furthest = 0
    for (const [step, wanted] of float64.entries())
      furthest = Math.max(furthest, Math.abs((await trainer.trainStep(blocks[step]!.map(rowOf))) - wanted))
    trainer.dispose()
    model.dispose()
    expect(rounding).toBeLessThan(3e-6)
    expect(furthest).toBeLessThan(5 * rounding)
  })
})

it('weights start as there: the same spread and the same bounds, array by array', async () => {
  // Sizes of the model that they were measured on, over eight starts of three layers.
  const sizes = { vocabularySize: 424, numLayers: 3, modelDim: 96, numHeads: 6, mlpDim: 192, finalNorm: false }
  const config = { ...sizes, adaptiveCutoffs: [80, 200, 320], initialization: 'fairseq' as const }
  const values = new Map<string, number[]>()
  for (let seed = 0; seed < 8; seed++) {
    const model = createModel(config, none(), seed)
    for (const [name, variable] of model.parameters) {
      const array = /^layers\.\d+\.(.*)/.exec(name)?.[1]
      if (array === undefined) continue
      const list = values.get(array) ?? []
      for (const value of await variable.data()) list.push(value as number)
      values.set(array, list)
    }
    model.dispose()
  }
  const ours = (name: string) => {
    const list = values.get(name)!
    const mean = list.reduce((sum, value) => sum + value, 0) / list.length
    const deviation = Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length)
    return { deviation, most: list.reduce((most, value) => Math.max(most, Math.abs(value)), 0), count: list.length }
  }
  const theirs: Record<string, readonly number[]> = fork.starts
  for (const [our, their] of [
    ['attention.qkv.weight', 'self_attn.q_proj.weight'],
    ['attention.qkv.bias', 'self_attn.k_proj.bias'],
    ['attention.out.weight', 'self_attn.out_proj.weight'],
    ['attention.out.bias', 'self_attn.out_proj.bias'],
    ['mlp.in.weight', 'fc1.weight'],
    ['mlp.in.bias', 'fc1.bias'],
    ['mlp.out.weight', 'fc2.weight'],
    ['mlp.out.bias', 'fc2.bias'],
    ['attention_norm.scale', 'self_attn_layer_norm.weight'],
  ] as const) {
    const [deviation, most] = theirs[`decoder.layers.0.${their}`] as [number, number]
    const { deviation: spread, most: ourMost, count } = ours(our)
    // A sample's deviation is off by about 1/√(2n): biases are the smallest samples.
    expect(Math.abs(spread - deviation), our).toBeLessThanOrEqual(deviation * (8 / Math.sqrt(2 * count)))
    expect(Math.abs(ourMost - most), our).toBeLessThanOrEqual(0.02 * most)
  }
})
