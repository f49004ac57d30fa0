import { resolveRunConfig } from '../src/config.js'
import type { Results } from '../src/results/file.js'

/** A run as it might have been: five strategies, three seeds, every kind of line. */
export function exampleResults(): Results {
  const config = resolveRunConfig({
    strategies: ['alibi', 'sinusoidal', 'rotary', 't5-bias', 'none'],
    trainLength: 128,
    evalLengths: [128, 256, 512, 1024, 2048],
    seeds: [1, 2, 3],
  })
  const size = '4x128x4'
  const cells = config.strategies.flatMap((strategy) => config.seeds.map((seed) => ({ strategy, seed })))
  const key = { trainLength: config.trainLength, size }
  /** Nats more a doubling beyond the train length. */
  const growth: Record<string, number> = { alibi: -0.01, sinusoidal: 0.6, rotary: 0.4, 't5-bias': 0.25, none: 0.5 }
  return {
    run: {
      type: 'run',
      schemaVersion: 1,
      config,
      seed: 1,
      backend: 'cpu',
      device: 'a processor',
      versions: { node: '20.19.0', platform: 'linux-x64' },
      commit: '0123456789abcdef0123456789abcdef01234567',
    },
    train: cells.flatMap((cell, i) =>
      [300, 600, 900, 1200, 1500].map((step) => ({
        type: 'train' as const,
        ...cell,
        ...key,
        step,
        lossNats: 1.2 + 300 / step + 0.01 * i,
        tokensPerSecond: 30_000 + 100 * i,
        elapsedSeconds: step / 30,
        peakResidentBytes: 5e8 + 1e6 * i,
      })),
    ),
    evals: cells.flatMap(({ strategy, seed }) =>
      config.evalLengths.map((evalLength) => {
        const lossNats = 1.25 + 0.01 * seed + growth[strategy]! * Math.log2(evalLength / 128)
        return {
          type: 'eval' as const,
          strategy,
          seed,
          ...key,
          evalLength,
          protocol: 'nonoverlapping' as const,
          stride: evalLength,
          tokens: 49_152,
          lossNats,
          perplexity: Math.exp(lossNats),
          bitsPerByte: lossNats / Math.LN2,
          tokensPerSecond: 100_000,
          peakBytes: 1e7 + 1e4 * evalLength,
        }
      }),
    ),
    positions: [],
    retrieval: [],
  }
}
