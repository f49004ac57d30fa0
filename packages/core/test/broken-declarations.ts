import type { Gate, PositionStrategy, ScoreRewrite, SinkLogit } from '../src/index.js'
import type { Broken } from './broken-strategies.js'
import { embedding, linear, make, rotation, wave } from './sound-strategies.js'

const caughtBy = 'declares itself as the interface asks'

const of = (hooks: Omit<PositionStrategy, 'specVersion' | 'name'>, ...says: string[]) => ({
  strategy: make(hooks),
  says,
})

const gate: Gate = { numHeads: 1, modelDim: 2, evaluate: (_ops, _parameters, x) => x }
const scores: ScoreRewrite = { numHeads: 1, headDim: 2, evaluate: (_ops, _parameters, rows) => rows.scores }
const sink: SinkLogit = { numHeads: 1, evaluate: (ops) => ops.tensor([0], [1]) }

const brokenHooks: readonly Broken[] = [
  { mistake: 'a misspelt member of a gate', ...of({ gate: { ...gate, headDim: 2 } as never }, 'got headDim') },
  { mistake: 'a gate of no width', ...of({ gate: { ...gate, modelDim: 0 } }, 'an integer modelDim ≥ 1, got 0') },
  {
    mistake: 'terms without a vector',
    ...of({ terms: { numHeads: 1, headDim: 2 } }, 'queryVectors, keyVectors or queryBias, got none of them'),
  },
  {
    mistake: 'terms that scale scores by 0',
    ...of(
      { terms: { numHeads: 1, headDim: 2, scale: 0, queryBias: (ops) => ops.tensor([1, 1], [1, 2]) } },
      'scale > 0',
    ),
  },
  {
    mistake: 'weights made by what there is not',
    ...of({ scores: { ...scores, weights: 'sigmoid' as never } }, 'softmax,exp, got sigmoid'),
  },
  { mistake: 'scores without a function', ...of({ scores: { ...scores, evaluate: 1 as never } }, 'scores.evaluate') },
  {
    mistake: 'a sink where nothing is divided by a sum',
    ...of({ scores: { ...scores, weights: 'exp' }, sink }, 'a sink beside a softmax', 'leave the sink out'),
  },
  { mistake: 'a window of no keys', ...of({ visibility: { window: 0 } }, 'an integer window ≥ 1, got 0') },
  {
    mistake: 'sinks without a window',
    ...of({ visibility: { sinks: 4 } as never }, 'without a window all keys are seen'),
  },
  {
    mistake: 'visibility that hides nothing',
    ...of({ visibility: {} as never }, 'visibility with a window, got none'),
  },
  { mistake: 'no layers', ...of({ layers: [] }, 'layers of small as strategies in an array, got none') },
  { mistake: 'a factory for a layer', ...of({ layers: [() => make({})] as never }, 'call it') },
  {
    mistake: 'an embedding in a layer',
    ...of({ layers: [make({ embedding: embedding(wave) })] }, 'without an embedding, which enters once', 'compose it'),
  },
  {
    mistake: 'layers in a layer',
    ...of({ layers: [make({ layers: [make({})] })] }, 'layer 0 of small as one strategy, got one with layers'),
  },
].map((each) => ({ ...each, caughtBy }))

/** Mistakes in what a strategy says of itself. */
export const brokenDeclarations: readonly Broken[] = [
  {
    mistake: 'a misspelt hook: no positions at all',
    says: ['got biases; did you mean bias?'],
    caughtBy,
    strategy: make({ biases: linear([0.5]) } as never),
  },
  {
    mistake: 'a misspelt scope',
    says: ['got parameterscope; did you mean parameterScope?'],
    caughtBy,
    strategy: make({ parameterscope: 'layer', bias: linear([0.5]) } as never),
  },
  {
    mistake: 'a bias beside layers, which have their own',
    says: ['bias of small in its layers, got one beside layers', 'put it into each of them'],
    caughtBy,
    strategy: make({ layers: [0, 4], bias: linear([0.5]) } as never),
  },
  ...brokenHooks,
  {
    mistake: 'a member of a bias that there is not',
    says: ['a linear bias with members kind, numHeads, slopes, got slope; did you mean slopes?'],
    caughtBy,
    strategy: make({ bias: { ...linear([0.5]), slope: 1 } as never }),
  },
  {
    mistake: 'a member of an embedding that there is not',
    says: ['did you mean modelDim?'],
    caughtBy,
    strategy: make({ embedding: { ...embedding(wave), modeldim: 2 } as never }),
  },
  {
    mistake: 'a member of a rotation that there is not',
    says: ['did you mean magnitudes?'],
    caughtBy,
    strategy: rotation({ magnitude: () => new Float64Array() } as never),
  },
  {
    mistake: 'a start of a kind that there is not',
    says: ['init.kind of parameter w as one of constant,normal,uniform,values, got zeros'],
    caughtBy,
    strategy: make({ parameters: { w: { shape: [1], init: { kind: 'zeros' } as never } }, bias: linear([0.5]) }),
  },
  {
    mistake: 'a start without its numbers',
    says: ['a finite init.high of parameter w, got undefined'],
    caughtBy,
    strategy: make({
      parameters: { w: { shape: [1], init: { kind: 'uniform', low: 0 } as never } },
      bias: linear([0.5]),
    }),
  },
  {
    mistake: 'a promise where a strategy should be',
    says: ['got a promise; await it'],
    caughtBy,
    strategy: Promise.resolve(make({})) as never,
  },
  {
    mistake: 'nothing where a strategy should be',
    says: ['a strategy, got undefined'],
    caughtBy,
    strategy: undefined as never,
  },
]
