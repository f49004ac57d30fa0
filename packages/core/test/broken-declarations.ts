import type { Broken } from './broken-strategies.js'
import { embedding, linear, make, rotation, wave } from './sound-strategies.js'

const caughtBy = 'declares itself as the interface asks'

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
