import type {
  ContextLine,
  EvalLine,
  PositionsLine,
  Results,
  RetrievalLine,
  RunLine,
  TaskLine,
  TrainLine,
} from '../src/index.js'

export const run: RunLine = {
  type: 'run',
  schemaVersion: 1,
  config: {
    strategies: ['alibi', 'learned'],
    seeds: [1, 2],
    trainLength: 100,
    steps: 10,
    numLayers: 4,
    modelDim: 128,
    numHeads: 4,
  },
  seed: 1,
  backend: 'cpu',
  device: 'a processor',
  versions: { node: '20' },
  commit: null,
}

const cell = (strategy: string, seed: number) => ({ strategy, trainLength: 100, seed, size: '4x128x4' })

export const evaluation = (strategy: string, seed: number, evalLength: number, perplexity: number): EvalLine => ({
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

export const train: TrainLine = {
  type: 'train',
  ...cell('alibi', 1),
  step: 5,
  lossNats: 2,
  tokensPerSecond: 1234,
  elapsedSeconds: 3,
  peakResidentBytes: 5e8,
}

export const positions: PositionsLine = {
  type: 'positions',
  ...cell('alibi', 1),
  evalLength: 400,
  protocol: 'sliding',
  stride: 50,
  attentionWindow: 100,
  bins: [{ from: 350, to: 400, tokens: 50, lossNats: 2 }],
}

export const retrieval: RetrievalLine = {
  type: 'retrieval',
  task: 'passkey',
  ...cell('alibi', 1),
  evalLength: 400,
  distance: 128,
  correct: 7,
  trials: 20,
}

export const task: TaskLine = {
  type: 'task',
  ...cell('alibi', 1),
  task: 'addition',
  evalLength: 64,
  length: 20,
  unit: 'digits',
  scoring: 'likelihood',
  score: 0.75,
  trials: 200,
  lossNats: 0.5,
}

export const context: ContextLine = {
  type: 'context',
  ...cell('alibi', 1),
  evalLength: 400,
  scored: 32,
  windows: 10,
  firstToken: 'none',
  lossNats: 2,
  kept: [{ tokens: 64, removedNats: 2.2, removedRise: [0.1, 0.3], shuffledNats: 2.1, shuffledRise: [0, 0.2] }],
}

export const results: Results = {
  run,
  train: [train],
  evals: [
    evaluation('alibi', 1, 100, 4),
    evaluation('alibi', 2, 100, 6),
    evaluation('alibi', 1, 400, 3),
    evaluation('learned', 1, 100, 120),
  ],
  positions: [positions],
  retrieval: [retrieval],
  tasks: [task],
  contexts: [context],
}
