import type { ConformanceOptions } from '../src/conformance/index.js'
import { type PositionStrategy, type ReferenceTensor, reference } from '../src/index.js'
import { brokenBiases } from './broken-biases.js'
import { brokenContent } from './broken-content.js'
import { brokenDeclarations } from './broken-declarations.js'
import { brokenNumbers } from './broken-numbers.js'
import { brokenRotations } from './broken-rotations.js'
import { numericGradients } from './numeric-gradients.js'
import { checkBelow, embedding, learned, linear, make, rotation, table, wave } from './sound-strategies.js'

/** A strategy with one mistake, and the case that must find it. */
export interface Broken {
  readonly mistake: string
  readonly caughtBy: string
  /** What its message must have: the place, the value, the likely mistake. */
  readonly says?: readonly string[]
  readonly strategy: PositionStrategy
  readonly options?: ConformanceOptions
}

let calls = 0

const buffer = new Float64Array(1000)

const brokenInGeneral: readonly Broken[] = [
  {
    mistake: 'another version of the interface',
    says: ['specVersion 1', 'got 2', 'update @alibi/core'],
    caughtBy: 'declares itself as the interface asks',
    strategy: Object.freeze({ specVersion: 2 as 1, name: 'small' }),
  },
  {
    mistake: 'a bias of a kind that it has no function for',
    says: ['a function bias.slopes', 'got undefined'],
    caughtBy: 'declares itself as the interface asks',
    strategy: make({ bias: { ...linear([0.5]), slopes: undefined as never } }),
  },
  {
    mistake: 'odd rotaryDim',
    caughtBy: 'declares itself as the interface asks',
    strategy: rotation({ rotaryDim: 3 }),
  },
  {
    mistake: 'does not say whether its keys may be cached',
    caughtBy: 'declares itself as the interface asks',
    strategy: rotation({ cacheable: undefined as never }),
  },
  {
    mistake: 'can be changed after it was made',
    says: ['defineStrategy', 'got strategy, which can be changed'],
    caughtBy: 'is frozen',
    strategy: { ...make({ bias: linear([0.5]) }) },
  },
  {
    mistake: 'shifts its positions in place',
    says: ['changed positions', 'positions.map'],
    caughtBy: 'computes the same from the same, and leaves its arguments alone',
    strategy: make({
      embedding: {
        modelDim: 2,
        evaluate(ops, _parameters, positions) {
          positions.forEach((p, i) => {
            positions[i] = p + 2
          })
          return ops.tensor(Array.from(positions).flatMap(wave), [positions.length, 2])
        },
      },
    }),
  },
  {
    mistake: 'trains its own parameters in place',
    says: ['changed parameters'],
    caughtBy: 'computes the same from the same, and leaves its arguments alone',
    strategy: make({
      parameters: { slopes: table(1) },
      bias: {
        kind: 'linear',
        numHeads: 1,
        slopes(_ops, { slopes }) {
          ;(slopes as ReferenceTensor).data[0]! *= 0.5
          return slopes!
        },
      },
    }),
  },
  {
    mistake: 'counts its calls',
    says: ['counted, random or remembered'],
    caughtBy: 'computes the same from the same, and leaves its arguments alone',
    strategy: make({ embedding: embedding((p) => [p, calls++]) }),
  },
  {
    mistake: 'angles in a buffer that the next call overwrites',
    says: ['a buffer that is kept'],
    caughtBy: 'computes the same from the same, and leaves its arguments alone',
    strategy: rotation({
      angles(positions) {
        buffer.set(positions.map((p) => p))
        return buffer.subarray(0, positions.length)
      },
    }),
  },
  {
    mistake: 'clamps past the end of its table',
    says: ['at position 8', 'are clamped'],
    caughtBy: 'throws for positions from maxPositions on, and not before',
    strategy: learned(8, (p) => Math.min(p, 7)),
  },
  {
    mistake: 'throws one position early',
    says: ['at position 7', 'one more than the last position'],
    caughtBy: 'throws for positions from maxPositions on, and not before',
    strategy: learned(8, (p) => checkBelow(7, Int32Array.of(p))[0]!),
  },
]

const brokenParameters: readonly Broken[] = [
  {
    mistake: 'a start that JSON changes',
    says: ['as a plain array, got Float64Array'],
    caughtBy: 'declares itself as the interface asks',
    strategy: make({
      parameters: { slopes: { shape: [1], init: { kind: 'values', values: Float64Array.of(1) as never } } },
      bias: { kind: 'linear', numHeads: 1, slopes: (_ops, { slopes }) => slopes! },
    }),
  },
  {
    mistake: 'the logarithm of a slope of 0 as a start',
    says: ['finite init.values of parameter logSlopes', '-Infinity at 0'],
    caughtBy: 'declares itself as the interface asks',
    strategy: make({
      parameters: { logSlopes: { shape: [1], init: { kind: 'values', values: [Math.log(0)] } } },
      bias: { kind: 'linear', numHeads: 1, slopes: (ops, { logSlopes }) => ops.exp(logSlopes!) },
    }),
  },
  {
    mistake: 'a parameter that is never read',
    says: ['parameter unused', 'no hook reads it'],
    caughtBy: 'reads every parameter, at least half of it along each axis',
    strategy: make({ parameters: { unused: table(4) }, bias: linear([0.5]) }),
  },
  {
    mistake: 'all heads read the first one’s slope',
    says: ['axis 0 of [8]', '1 of 8 parts', 'an index that stays the same'],
    caughtBy: 'reads every parameter, at least half of it along each axis',
    strategy: make({
      parameters: { logSlopes: table(8) },
      bias: {
        kind: 'linear',
        numHeads: 8,
        slopes: (ops, { logSlopes }) => ops.exp(ops.gather(logSlopes!, new Int32Array(8), 0)),
      },
    }),
  },
  {
    mistake: 'a parameter rounded on the host, where no gradient reaches it',
    says: ['read on the host'],
    caughtBy: 'trains every parameter',
    strategy: make({
      parameters: { scale: table(1) },
      bias: {
        kind: 'linear',
        numHeads: 1,
        slopes: (ops, { scale }) => ops.tensor((scale as ReferenceTensor).data.map(Math.ceil), [1]),
      },
    }),
    options: { differentiable: numericGradients },
  },
  {
    mistake: 'a parameter read on the host, where the library then throws',
    says: ['got “Cannot compute gradient of y=f(x) with respect to x.”', 'read on the host'],
    caughtBy: 'trains every parameter',
    strategy: make({
      parameters: { scale: table(1) },
      bias: { kind: 'linear', numHeads: 1, slopes: (ops, { scale }) => ops.exp(scale!) },
    }),
    options: {
      differentiable: {
        ops: reference,
        gradients() {
          throw new Error('Cannot compute gradient of y=f(x) with respect to x.')
        },
      },
    },
  },
  {
    mistake: 'starts where it has no slope: √0',
    says: ['a finite gradient for root where training starts', 'has no slope'],
    caughtBy: 'trains every parameter',
    strategy: make({
      parameters: { root: { shape: [1], init: { kind: 'constant', value: 0 } } },
      bias: {
        kind: 'linear',
        numHeads: 1,
        slopes: (ops, { root }) => ops.pow(ops.abs(root!), ops.tensor([0.5], [1])),
      },
    }),
    options: {
      differentiable: {
        ops: reference,
        gradients: (_values, { root }) => ({ root: root!.data.map((x) => 0.5 * x ** -0.5) }),
      },
    },
  },
]

const brokenEmbeddings: readonly Broken[] = [
  {
    mistake: 'rows of another width',
    caughtBy: 'embeds with finite rows of modelDim',
    strategy: make({ embedding: { ...embedding(wave), modelDim: 4 } }),
  },
  {
    mistake: 'features first',
    says: ['of shape [38,2], got [2,38]', 'axes in another order: transpose'],
    caughtBy: 'embeds with finite rows of modelDim',
    strategy: make({
      embedding: {
        modelDim: 2,
        evaluate: (ops, parameters, positions) =>
          ops.transpose(embedding(wave).evaluate(ops, parameters, positions), [1, 0]),
      },
    }),
  },
  {
    mistake: 'overflows far away',
    says: ['Infinity at position 1023, feature 0'],
    caughtBy: 'embeds with finite rows of modelDim',
    strategy: make({ embedding: embedding((p) => [Math.exp(p), p]) }),
  },
  {
    mistake: 'ignores the offset: counts from 0 in every call',
    says: ['counted from 0 in every call'],
    caughtBy: 'embeds from an offset as in the long table',
    strategy: make({ embedding: embedding((_p, i) => wave(i)) }),
  },
  {
    mistake: 'takes positions to follow each other: no packed documents',
    says: ['follow each other from the first'],
    caughtBy: 'embeds a position whatever the others with it',
    strategy: make({ embedding: embedding((_p, i, all) => wave(all[0]! + i)) }),
  },
  {
    mistake: 'one row for all positions',
    caughtBy: 'embeds different positions differently',
    strategy: make({ embedding: embedding(() => [1, 2]) }),
  },
  {
    mistake: 'positions that begin with 1',
    says: ['0 at position 0, feature 0, got 0.84', 'the first position is 0, not 1'],
    caughtBy: 'has the embedding it is known to have',
    strategy: make({ embedding: embedding((p) => wave(p + 1)) }),
    options: { embedding: (position, feature) => wave(position)[feature]! },
  },
  {
    mistake: 'cosine where the sine is known to be',
    says: ['0 at position 0, feature 0, got 1', 'sine and cosine are swapped'],
    caughtBy: 'has the embedding it is known to have',
    strategy: make({ embedding: embedding((p) => wave(p).reverse()) }),
    options: { embedding: (position, feature) => wave(position)[feature]! },
  },
]

export const brokenStrategies: readonly Broken[] = [
  ...brokenDeclarations,
  ...brokenInGeneral,
  ...brokenNumbers,
  ...brokenParameters,
  ...brokenEmbeddings,
  ...brokenRotations,
  ...brokenBiases,
  ...brokenContent,
]
