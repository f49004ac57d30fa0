import type { EvalLine, PositionsLine, Results, RetrievalLine, RunLine, TrainLine } from '@alibi/results'
import { describe, expect, it } from 'vitest'
import { resolveRunConfig } from '../src/config/resolve.js'
import type { RunOptions } from '../src/config/schema.js'
import { markdownReport, resultTable } from '../src/report/markdown.js'

const config = resolveRunConfig({
  strategies: ['alibi', 'learned'],
  trainLength: 100,
  evalLengths: [100, 400],
  seeds: [1, 2],
})
const run: RunLine = {
  type: 'run',
  schemaVersion: 1,
  config,
  seed: 1,
  backend: 'cpu',
  device: 'a processor',
  versions: { node: '20' },
  commit: null,
}
const cell = (strategy: string, seed: number) => ({ strategy, trainLength: 100, seed, size: '4x128x4' })
const line = (strategy: string, seed: number, evalLength: number, perplexity: number): EvalLine => ({
  type: 'eval',
  ...cell(strategy, seed),
  evalLength,
  protocol: 'nonoverlapping',
  stride: evalLength,
  tokens: 1000,
  lossNats: Math.log(perplexity),
  perplexity,
  bitsPerByte: Math.log2(perplexity),
  tokensPerSecond: 10,
  peakBytes: 1e6,
})
const train: TrainLine = {
  type: 'train',
  ...cell('alibi', 1),
  step: 5,
  lossNats: 2,
  tokensPerSecond: 1234,
  elapsedSeconds: 3,
  peakResidentBytes: 5e8,
}
const reading = { evalLength: 400, protocol: 'sliding', stride: 50, attentionWindow: 100 } as const
const positions: PositionsLine = {
  type: 'positions',
  ...cell('alibi', 1),
  ...reading,
  bins: [{ from: 350, to: 400, tokens: 50, lossNats: 2 }],
}
const retrieval: RetrievalLine = {
  type: 'retrieval',
  task: 'passkey',
  ...cell('alibi', 1),
  evalLength: 400,
  distance: 128,
  correct: 7,
  trials: 20,
}
const results: Results = {
  run,
  train: [train],
  evals: [line('alibi', 1, 100, 4), line('alibi', 2, 100, 6), line('alibi', 1, 400, 3), line('learned', 1, 100, 120)],
  positions: [positions],
  retrieval: [retrieval],
  tasks: [],
  contexts: [],
}

describe('the report', () => {
  it('has a row a strategy, with the spread of seeds', () => {
    expect(resultTable(results)).toEqual([
      '| strategy |      1× (100) | 4× (400) | train tokens/s |',
      '| -------- | ------------: | -------: | -------------: |',
      '| alibi    | 5.000 ± 1.414 |    3.000 |          1,234 |',
      '| learned  |           120 |        — |              — |',
    ])
    expect(markdownReport(results)).toContain('mean ± standard deviation over seeds')
  })
})

describe('resolveRunConfig', () => {
  it('puts what was asked for in the place of the preset', () => {
    expect(resolveRunConfig({ steps: 7 })).toEqual({ ...resolveRunConfig({}), steps: 7 })
    expect(resolveRunConfig({ preset: 'paper-wt103' })).toMatchObject({ numLayers: 16, optimizer: 'sgd-nesterov' })
  })

  it.each([
    [{ numHeads: 3 }, 'heads that divide the model dimension 128, got 3; try 1, 2, 4'],
    [{ steps: 1.5 }, 'steps: '],
    [{ trainLength: 0 }, 'trainLength: '],
    [{ seeds: [1, 1] }, 'expected each seed once'],
    [
      { preset: 'huge' as 'quick' },
      'expected preset quick, slopes, small, paper-small, paper-wt103, paper-1.3b, got huge',
    ],
    [{ colour: 'red' }, 'colour'],
    [{ microBatches: 3 }, 'micro-batches that divide the batch of 8, got 3'],
    [{ preset: 'paper-small', tokenizer: 'bytes' }, 'tokenizer words or prose with adaptive cutoffs, got bytes'],
    [{ preset: 'paper-small', architecture: 'bloom' }, 'no architecture with adaptive cutoffs, got bloom'],
  ])('refuses %j', (options, message) => {
    expect(() => resolveRunConfig(options as RunOptions)).toThrow(message)
  })
})
