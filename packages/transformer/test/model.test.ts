import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PositionStrategy, positionRange } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createKvCache, createModel, createTrainer, evaluate, generate, type Model } from '../src/index.js'
import { loadCheckpoint, readParameters, saveCheckpoint } from '../src/node.js'
import { strategies, tiles, tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const hidden = async (model: Model, ...args: Parameters<Model['forward']>) => {
  const [rows, options] = args
  const x = model.forward(rows, { ...tiles, ...options })
  const data = await x.data()
  x.dispose()
  return data
}

/** fp32 sums of a few dozen terms of size 1, taken in another order. */
const TOLERANCE = 1e-5

function expectClose(got: ArrayLike<number>, want: ArrayLike<number>, tolerance = TOLERANCE) {
  expect(got.length).toBe(want.length)
  for (let i = 0; i < got.length; i++) expect(Math.abs(got[i]! - want[i]!)).toBeLessThan(tolerance)
}

const partsOf = (strategy: PositionStrategy) => [strategy, ...(strategy.layers ?? [])]
/** What earlier passes computed had another length then. */
const readsLength = (strategy: PositionStrategy) => strategy.name === 'dynamic'

describe.each(strategies)('%s', (_name, strategy) => {
  it('gives the same in blocks as at once', async () => {
    const model = createModel(tiny, strategy)
    const whole = await hidden(model, [tokens(11)], { queriesPerTile: 64 })
    expectClose(await hidden(model, [tokens(11)]), whole)
  })

  it('gives the same from a cache, in chunks and one by one', async () => {
    // Where angles read the length of the pass, one layer alone is the same: of others, earlier passes had another length.
    const model = createModel({ ...tiny, numLayers: readsLength(strategy) ? 1 : 2 }, strategy)
    const full = await hidden(model, [tokens(10)])
    const cache = createKvCache()
    const pieces = [tokens(10).subarray(0, 4), tokens(10).subarray(4, 9), tokens(10).subarray(9)]
    const parts: number[] = []
    for (const piece of pieces) parts.push(...(await hidden(model, [piece], { cache })))
    cache.dispose()
    if (readsLength(strategy)) expectClose(parts.slice(-8), full.slice(-8))
    else expectClose(parts, full)
  })

  it('gives the same left-padded in a batch as alone', async () => {
    const model = createModel(tiny, strategy)
    const padded = Int32Array.of(0, 0, 0, ...tokens(6))
    const batch = await hidden(model, [tokens(9, 5), padded], { padding: Int32Array.of(0, 3) })
    const alone = await hidden(model, [tokens(6)])
    expectClose(batch.slice((9 + 3) * 8), alone)
  })

  it('reads no further back than its attention window', async () => {
    const model = createModel({ ...tiny, numLayers: 1 }, strategy)
    // Sinks are further back on purpose.
    if (strategy.visibility?.sinks) return
    const windowed = await hidden(model, [tokens(11)], { attentionWindow: 4 })
    const alone = await hidden(model, [tokens(4, 7)], { positions: positionRange(7, 4) })
    expectClose(windowed.slice(-8), alone.slice(-8))
  })

  it('has the gradients of finite differences', async () => {
    const model = createModel(tiny, strategy, 3)
    const names = [...model.parameters.keys()].filter((n) => /position|qkv.weight|norm.scale|embedding/.test(n))
    const loss = () =>
      tf.tidy(() => {
        const x = model.forward([tokens(7), tokens(7, 3)], tiles)
        return tf.mean(tf.square(tf.sub(model.logits(x), 0.5))) as tf.Scalar
      })
    const { grads } = tf.variableGrads(
      loss,
      names.map((n) => model.parameters.get(n)!),
    )
    for (const name of names) {
      const variable = model.parameters.get(name)!
      const start = (await variable.data()).slice()
      const gradient = (await grads[variable.name]!.data()) as Float32Array
      const at = gradient.reduce((best, g, i) => (Math.abs(g) > Math.abs(gradient[best]!) ? i : best), 0)
      const shifted = (by: number) => {
        const moved = start.slice()
        moved[at]! += by
        variable.assign(tf.tensor(moved, variable.shape))
        return loss().dataSync()[0]!
      }
      // Central difference: error h² from the curve and 1e-7/h from fp32, both near 1e-4 at h = 1e-2 or 1e-3.
      const difference = (shifted(5e-3) - shifted(-5e-3)) / 1e-2
      shifted(0)
      expect(Math.abs(difference - gradient[at]!), name).toBeLessThan(1e-3 + 0.02 * Math.abs(gradient[at]!))
    }
  })

  it('learns without leaking tensors, and resumes bit for bit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'alibi-'))
    const config = { kind: 'adamw', learningRate: 1e-2, clipNorm: 1, weightDecay: 0.1 } as const
    const trainer = createTrainer(createModel({ ...tiny, dropout: 0.1 }, strategy), config, tiles)
    const step = (t: typeof trainer) => t.trainStep([tokens(7, t.step % 11), tokens(7, t.step % 5)])
    const first = await step(trainer)
    const before = tf.memory().numTensors
    for (let i = 0; i < 9; i++) await step(trainer)
    expect(tf.memory().numTensors).toBe(before)
    await saveCheckpoint(join(folder, 'c'), trainer, { note: 'ten' })
    const saved = await readParameters(join(folder, 'c'))
    expect([...saved.keys()].sort()).toEqual([...trainer.model.parameters.keys()].sort())
    for (const [name, { data }] of saved) expect(data).toEqual(await trainer.model.parameters.get(name)!.data())
    const resumed = await loadCheckpoint(join(folder, 'c'), strategy, tiles)
    expect(resumed.metadata).toEqual({ note: 'ten' })
    const [a, b] = [await step(trainer), await step(resumed.trainer)]
    expect(b).toBe(a)
    expect(a).toBeLessThan(first)
    await writeFile(join(folder, 'c', 'weights.safetensors'), 'x')
    await expect(loadCheckpoint(join(folder, 'c'), strategy)).rejects.toThrow('damaged')
    await rm(folder, { recursive: true })
  })
})

it('scores every token once, by either protocol', async () => {
  const model = createModel(tiny, strategies[1]![1])
  const text = tokens(50)
  const chunks = await evaluate(model, text, { evalLength: 8 })
  const sliding = await evaluate(model, text, { evalLength: 8, protocol: 'sliding', stride: 3 })
  expect([chunks.tokens, sliding.tokens]).toEqual([49, 49])
  expect(chunks.perplexity).toBeCloseTo(Math.exp(chunks.lossNats), 6)
})

it('trains and evaluates at other positions than from 0 on', async () => {
  for (const [name, strategy] of strategies) {
    const step = async (positions?: (step: number, length: number) => Int32Array) => {
      const trainer = createTrainer(
        createModel(tiny, strategy, 1),
        // Far enough from the start, where positions hardly matter yet.
        { kind: 'adamw', learningRate: 1e-1 },
        { positions },
      )
      const losses = [await trainer.trainStep([tokens(9)]), await trainer.trainStep([tokens(9)])]
      const read = { evalLength: 8, ...(positions && { positions }) }
      return [...losses, (await evaluate(trainer.model, tokens(25), read)).lossNats]
    }
    const inPlace = await step()
    expect(await step((_, length) => positionRange(0, length)), name).toEqual(inPlace)
    const spread = await step((step, length) => Int32Array.from({ length }, (_, i) => 7 * i + step))
    const readsPositions = partsOf(strategy).some((part) => part.embedding ?? part.rotation ?? part.bias ?? part.terms)
    expect(spread.join() === inPlace.join(), name).toBe(!readsPositions)
  }
})

it('goes on from a checkpoint at the positions it is given', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'alibi-positions-'))
  const strategy = strategies[1]![1]
  const positions = (step: number, length: number) => Int32Array.from({ length }, (_, i) => 3 * i + step)
  const whole = createTrainer(createModel(tiny, strategy), { kind: 'adamw', learningRate: 1e-2 }, { positions })
  await whole.trainStep([tokens(9)])
  await saveCheckpoint(join(folder, 'c'), whole)
  const { trainer } = await loadCheckpoint(join(folder, 'c'), strategy, { positions })
  const { trainer: inPlace } = await loadCheckpoint(join(folder, 'c'), strategy)
  const next = await whole.trainStep([tokens(9, 4)])
  expect(await trainer.trainStep([tokens(9, 4)])).toBe(next)
  expect(await inPlace.trainStep([tokens(9, 4)])).not.toBe(next)
  await rm(folder, { recursive: true })
})

it('tells the loss of each place in the sequence', async () => {
  const model = createModel(tiny, strategies[1]![1])
  const text = tokens(50)
  const chunks = await evaluate(model, text, { evalLength: 8 })
  expect([...chunks.byPlace.tokens]).toEqual([7, 6, 6, 6, 6, 6, 6, 6])
  const sliding = await evaluate(model, text, { evalLength: 8, protocol: 'sliding', stride: 3 })
  expect([...sliding.byPlace.tokens]).toEqual([1, 1, 1, 1, 1, 14, 15, 15])
  for (const { byPlace, lossNats, tokens } of [chunks, sliding])
    expect(byPlace.lossNats.reduce((a, b) => a + b)).toBeCloseTo(lossNats * tokens, 8)
  const one = await evaluate(model, text, { evalLength: 8, maxTokens: 8 })
  const short = await evaluate(model, text, { evalLength: 8, maxTokens: 5 })
  expect(one.byPlace.lossNats.slice(0, 5).reduce((a, b) => a + b)).toBeCloseTo(5 * short.lossNats, 5)
})

it('streams to the losses of a full pass on a prefix, and to chunks without a cache', async () => {
  for (const [, strategy] of strategies) {
    const model = createModel(tiny, strategy)
    const text = tokens(33)
    // Its cache drops the first tokens.
    if ([strategy, ...(strategy.layers ?? [])].some(({ visibility }) => visibility?.sinks)) {
      await expect(evaluate(model, text, { evalLength: 32, protocol: 'streaming' })).rejects.toThrow(
        'sees first tokens',
      )
      continue
    }
    const whole = await evaluate(model, text, { evalLength: 32 })
    const streamed = await evaluate(model, text, { evalLength: 32, protocol: 'streaming', stride: 5 })
    expect(streamed.tokens).toBe(32)
    // The first window holds everything: what is cached saw what it would have seen.
    expect(streamed.lossNats).toBeCloseTo(whole.lossNats, 5)
  }
  const model = createModel(tiny, strategies[1]![1])
  const options = { evalLength: 8, stride: 8 } as const
  const [chunks, alone] = [
    await evaluate(model, tokens(49), options),
    await evaluate(model, tokens(49), { ...options, protocol: 'streaming' }),
  ]
  expect(alone.lossNats).toBeCloseTo(chunks.lossNats, 6)
  const windows = await evaluate(model, tokens(50), { evalLength: 8, stride: 2, protocol: 'streaming' })
  expect(windows.tokens).toBe(49)
})

it('generates the same from the same seed', async () => {
  const model = createModel(tiny, strategies[1]![1])
  const options = { maxNewTokens: 5, seed: 4, topK: 5, topP: 0.9, prefillChunk: 2 }
  expect(await generate(model, tokens(5), options)).toEqual(await generate(model, tokens(5), options))
})

it('tells how far it is in a prompt, and stops there when it is aborted', async () => {
  const model = createModel(tiny, strategies[1]![1])
  const told: string[] = []
  const onPrefill = (done: number, total: number) => void told.push(`${done} of ${total}`)
  await generate(model, tokens(6), { maxNewTokens: 1, prefillChunk: 2, onPrefill })
  expect(told).toEqual(['2 of 5', '4 of 5', '5 of 5'])
  const stop = new AbortController()
  const aborting = {
    maxNewTokens: 1,
    prefillChunk: 1,
    signal: stop.signal,
    onPrefill: () => stop.abort(new Error('stop')),
  }
  await expect(generate(model, tokens(6), aborting)).rejects.toThrow('stop')
})

it('refuses what cannot be built in one line', () => {
  expect(() => createModel({ ...tiny, numHeads: 3 }, strategies[0]![1])).toThrow('numHeads to divide modelDim, got 3')
  expect(() => createModel(tiny, { specVersion: 2, name: 'x' } as never)).toThrow('specVersion 1, got 2; update')
  expect(() => createModel(tiny, undefined as never)).toThrow('expected a strategy, got undefined')
})
