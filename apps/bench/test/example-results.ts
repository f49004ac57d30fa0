import { makeReading, type Results, type RunLine } from '@alibi/results'
import { resolveRunConfig } from '../src/config/resolve.js'
import type { RunConfig } from '../src/config/schema.js'
import { binEdges } from '../src/experiment/loss-by-position.js'

/** Nats more a doubling beyond the train length. */
const GROWTH: Record<string, number> = { alibi: -0.01, sinusoidal: 0.6, rotary: 0.4, 't5-bias': 0.2, none: 0.5 }
const TRAIN_LENGTHS = [128, 256]

/** Results as a sweep might have them: five strategies, two train lengths, three seeds, every kind of line. */
export function exampleResults(): Results & { readonly run: RunLine & { readonly config: RunConfig } } {
  const config = resolveRunConfig({
    strategies: ['alibi', 'sinusoidal', 'rotary', 't5-bias', 'none'],
    trainLength: 128,
    evalLengths: [128, 256, 512, 1024, 2048],
    seeds: [1, 2, 3],
  })
  const cells = TRAIN_LENGTHS.flatMap((trainLength) =>
    config.strategies.flatMap((strategy) =>
      config.seeds.map((seed) => ({ strategy, trainLength, seed, size: '4x128x4' })),
    ),
  )
  const lossAt = ({ strategy, trainLength, seed }: (typeof cells)[number], place: number) =>
    1.2 +
    0.4 / Math.sqrt(place + 1) +
    0.02 * Math.sin(seed * strategy.length + trainLength) +
    GROWTH[strategy]! * Math.max(0, Math.log2((place + 1) / trainLength))
  const wholes = cells.flatMap((cell) =>
    config.evalLengths
      .filter((length) => length >= cell.trainLength)
      .flatMap((length) => [
        { cell, reading: makeReading(length, 'nonoverlapping'), lossNats: 0.05 + lossAt(cell, length) },
        { cell, reading: makeReading(length, 'sliding', 64), lossNats: lossAt(cell, length) },
      ]),
  )
  return {
    run: {
      type: 'run',
      schemaVersion: 1,
      config,
      seed: 1,
      backend: 'cpu',
      device: 'a <processor> & more',
      versions: { node: '20.19.0', platform: 'linux-x64' },
      commit: '0123456789abcdef0123456789abcdef01234567-dirty',
    },
    train: cells.flatMap((cell, i) =>
      Array.from({ length: 50 }, (_, j) => ({
        type: 'train' as const,
        ...cell,
        step: 30 * (j + 1),
        lossNats: 1.2 + 3 / (j + 1) + 0.01 * i,
        tokensPerSecond: 30_000 + 100 * i - 20 * cell.trainLength,
        elapsedSeconds: j + 1,
        peakResidentBytes: 5e8 + 1e6 * (i % 7),
      })),
    ),
    evals: wholes.map(({ cell, reading, lossNats }) => ({
      type: 'eval' as const,
      ...cell,
      ...reading,
      tokens: 49_152,
      lossNats,
      perplexity: Math.exp(lossNats),
      bitsPerByte: lossNats / Math.LN2,
      tokensPerSecond: 100_000 + 1000 * cell.seed,
      peakBytes: 1e7 + 1e4 * reading.evalLength,
    })),
    positions: wholes.map(({ cell, reading }) => {
      const edges = binEdges(cell.trainLength, reading.evalLength)
      const bins = edges.slice(1).map((to, i) => ({ from: edges[i]!, to, tokens: 24 * (to - edges[i]!) }))
      return {
        type: 'positions' as const,
        ...cell,
        ...reading,
        bins: bins.map((bin) => ({ ...bin, lossNats: lossAt(cell, (bin.from + bin.to) / 2) })),
      }
    }),
    tasks: [],
    contexts: [],
    retrieval: cells.flatMap((cell) =>
      [32, 64, 128, 256, 512].map((distance) => ({
        type: 'retrieval' as const,
        task: 'passkey' as const,
        ...cell,
        evalLength: 1024,
        distance,
        correct: Math.round(20 / (1 + (GROWTH[cell.strategy]! + 0.1) * (distance / 128))),
        trials: 20,
      })),
    ),
  }
}
