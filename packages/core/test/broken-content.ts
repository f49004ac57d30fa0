import type { ScoreRows, TensorOps } from '../src/index.js'
import type { Broken } from './broken-strategies.js'
import {
  cap,
  clippedTable,
  forgetting,
  gate,
  make,
  rewrite,
  rotation,
  softCapped,
  table,
  terms,
} from './sound-content.js'

const inShares = 'gates by finite logarithms of shares, wherever training takes them'
const finiteVectors = 'has finite vectors of every distance, one a head or one for all'
const finiteScores = 'makes finite scores of scores, also of large ones'

/** What a rewrite makes of rows, with its own arithmetic. */
const one = <T>(ops: TensorOps<T>) => ops.tensor([1], [1])

const brokenGates: readonly Broken[] = [
  {
    mistake: 'the share that a token lets pass, without its logarithm',
    says: ['the share itself is returned: return its logarithm'],
    caughtBy: inShares,
    strategy: gate((ops, z) => ops.sigmoid(z)),
  },
  {
    mistake: 'ln of a sigmoid, which is −∞ for large inputs',
    says: ['for large inputs', '-Infinity at token', 'use ops.logSigmoid'],
    caughtBy: inShares,
    strategy: gate((ops, z) => ops.log1p(ops.sub(ops.sigmoid(z), one(ops)))),
  },
  {
    mistake: 'a logarithm above 0, which lets more pass than there is',
    says: ['gates ≤ 0', 'a logarithm above 0'],
    caughtBy: inShares,
    strategy: gate((_ops, z) => z),
  },
  {
    mistake: 'heads first',
    says: ['gates of shape [12,2], got [2,12]', 'axes in another order: transpose'],
    caughtBy: inShares,
    strategy: gate((ops, z) => ops.transpose(ops.logSigmoid(z), [1, 0])),
  },
  {
    mistake: 'the running sum, which the model takes',
    says: ['it reads the other tokens of the call', 'the model adds them up'],
    caughtBy: 'gates each token by itself',
    strategy: gate((ops, z) => ops.cumulativeSum(ops.logSigmoid(z), 0)),
  },
  {
    mistake: 'centred on the tokens of the call',
    says: ['it reads the other tokens of the call'],
    caughtBy: 'gates each token by itself',
    strategy: gate((ops, z) => ops.logSigmoid(ops.sub(z, ops.sum(z, 0)))),
  },
  {
    mistake: 'the same for every token',
    says: ['x is not read: a bias is for that'],
    caughtBy: 'gates by what a token is',
    strategy: gate((ops, z) => ops.neg(ops.abs(ops.mul(z, ops.tensor([0], [1]))))),
  },
  {
    mistake: 'the share that is forgotten, as an input gate has it',
    says: ['the known gates at the starting parameters'],
    caughtBy: 'has the gates it is known to have',
    strategy: gate((ops, z) => ops.logSigmoid(ops.neg(z))),
    options: { gate: forgetting },
  },
]

const brokenTerms: readonly Broken[] = [
  {
    mistake: 'vectors without an axis of heads',
    says: ['queryVectors of shape', 'the axis of heads is missing: reshape'],
    caughtBy: finiteVectors,
    strategy: terms({ queryVectors: (ops, { rows }, distances) => ops.gather(rows!, clippedTable(distances), 0) }),
  },
  {
    mistake: 'the logarithm of distances ahead',
    says: ['finite values of queryVectors', 'at head 0, distance -1'],
    caughtBy: finiteVectors,
    strategy: terms({
      queryVectors: (ops, { rows }, distances) =>
        ops.mul(
          ops.reshape(ops.gather(rows!, clippedTable(distances), 0), [1, distances.length, 4]),
          ops.log1p(ops.tensor(distances, [1, distances.length, 1])),
        ),
    }),
  },
  {
    mistake: 'one vector of all heads where each needs its own',
    says: ['queryBias of shape [2,4], got [4]'],
    caughtBy: finiteVectors,
    strategy: terms({ queryBias: (ops) => ops.tensor([1, 2, 3, 4], [4]) }),
  },
  {
    mistake: 'the place in the list of distances is read',
    says: ['queryVectors of distances in reverse', 'the place in the list is read instead of the distance'],
    caughtBy: 'has the vectors of a distance whatever the others with it',
    strategy: terms({}, (_distance, i) => Math.min(8, i)),
  },
  {
    mistake: 'the distance counted from the key',
    says: ['the sign of the distance is flipped: query − key is positive behind'],
    caughtBy: 'tells distances behind apart by some vector',
    strategy: terms({}, (distance) => Math.min(8, Math.max(0, -distance))),
  },
  {
    mistake: 'a table of which one row is read',
    says: ['the distance is not read'],
    caughtBy: 'tells distances behind apart by some vector',
    strategy: terms({}, () => 3),
  },
  {
    mistake: 'clipped a distance too early',
    says: ['scores with the known terms', 'at head 0'],
    caughtBy: 'has the terms it is known to have',
    strategy: terms({}, (distance) => Math.min(7, Math.max(0, distance))),
    options: { terms: (_head, distance, { q }, { rows }) => dot(q, rows!, Math.min(8, distance)) },
  },
  {
    mistake: 'vectors met by the key that the query should meet',
    says: ['scores with the known terms'],
    caughtBy: 'has the terms it is known to have',
    strategy: terms({}),
    options: { terms: (_head, distance, { k }, { rows }) => dot(k, rows!, Math.min(8, distance)) },
  },
]

/** x · row of the table. */
const dot = (x: Float64Array, rows: Float64Array, row: number) =>
  x.reduce((sum, value, i) => sum + value * rows[row * 4 + i]!, 0)

/** Distances within the call, by whatever the queries are. */
const penalties = <T>(
  ops: TensorOps<T>,
  { shape: [, , Q, K] }: ScoreRows<T>,
  distance: (i: number, j: number) => number,
) =>
  ops.tensor(
    Float64Array.from({ length: Q * K }, (_, i) => -distance(Math.floor(i / K), i % K)),
    [1, 1, Q, K],
  )

const brokenScores: readonly Broken[] = [
  {
    mistake: 'a mask of −∞ of its own',
    says: ['of keys that are not seen, got -Infinity', 'leave that to the model'],
    caughtBy: finiteScores,
    strategy: rewrite((ops, { scores, visible }) => ops.add(scores, ops.log1p(ops.sub(visible, one(ops))))),
  },
  {
    mistake: 'ln of what is left, by 1 − σ',
    says: ['of up to ±40', 'use ops.logSigmoid'],
    caughtBy: finiteScores,
    strategy: rewrite((ops, rows) => ops.log1p(ops.neg(ops.sigmoid(rows.scores)))),
  },
  {
    mistake: 'scores without the axis of the batch',
    says: ['rewritten scores of shape [2,2,12,12]'],
    caughtBy: finiteScores,
    strategy: rewrite((ops, { scores, shape: [B, H, Q, K] }) => ops.reshape(scores, [B * H, Q, K])),
  },
  {
    mistake: 'queries counted from 0 in every call',
    says: ['the scores of the last query as in the whole', 'takes the first query for the first token'],
    caughtBy: 'makes the scores of a query whatever the others with it',
    strategy: rewrite((ops, rows) =>
      ops.add(
        rows.scores,
        penalties(ops, rows, (i, j) => Math.abs(i - j)),
      ),
    ),
  },
  {
    mistake: 'keys counted from 0 in every call',
    says: ['the scores without keys that no query sees as with them', 'it reads the place of a key in the call'],
    caughtBy: 'makes the scores of keys whether or not those that no query sees are there',
    strategy: rewrite((ops, rows) =>
      ops.add(
        rows.scores,
        penalties(ops, rows, (_, j) => j),
      ),
    ),
  },
  {
    mistake: 'divided by the largest of all queries',
    says: ['it reads the other queries of the call'],
    caughtBy: 'makes the scores of a query whatever the others with it',
    strategy: rewrite((ops, { scores, visible }) => ops.sub(scores, ops.sum(ops.mul(scores, visible), 2))),
  },
  {
    mistake: 'a running sum over keys ahead too',
    says: ['it reads keys that the query does not see', 'multiply by rows.visible'],
    caughtBy: 'makes scores of the keys that a query sees, and of no other',
    strategy: rewrite((ops, { scores }) => ops.sub(scores, ops.sum(ops.sigmoid(scores), 3))),
  },
  {
    mistake: 'centred over the batch',
    says: ['it reads the other rows of the batch'],
    caughtBy: 'makes the scores of a row of a batch whatever the other rows',
    strategy: rewrite((ops, { scores }) => ops.sub(scores, ops.sum(scores, 0))),
  },
  {
    mistake: 'a cap of 30 where 50 is known',
    says: ['the known scores at the starting parameters'],
    caughtBy: 'makes the scores it is known to make',
    strategy: softCapped(30),
    options: { scores: (_head, { scores }) => Array.from(scores, cap(50)) },
  },
  {
    mistake: 'one sink for two heads',
    says: ['sink logits of shape [2], got [1]'],
    caughtBy: 'has a finite sink logit for each head',
    strategy: make({ sink: { numHeads: 2, evaluate: (ops) => ops.tensor([0], [1]) } }),
  },
  {
    mistake: 'a sink of −∞, to be without one',
    says: ['finite sink logits, got -Infinity at head 0'],
    caughtBy: 'has a finite sink logit for each head',
    strategy: make({ sink: { numHeads: 1, evaluate: (ops) => ops.tensor([-Infinity], [1]) } }),
  },
]

const trained = (angles: (positions: Int32Array) => ArrayLike<number>) =>
  make({
    parameters: { rate: { shape: [1, 1, 1], init: { kind: 'constant', value: 0.1 } } },
    rotation: {
      ...rotation({}).rotation,
      trainedAngles: (ops, { rate }, positions) =>
        ops.mul(rate!, ops.tensor(angles(positions), [1, positions.length, 1])),
    },
  })

const brokenTraining: readonly Broken[] = [
  {
    mistake: 'angles that do not start where they say',
    says: ['trained angles at the starting parameters as rotation.angles', 'a factor'],
    caughtBy: 'turns by its angles where their training starts',
    strategy: trained((positions) => Array.from(positions, (p) => 2 * p)),
  },
  {
    mistake: 'trained angles that count from 0 in every call',
    says: ['the scores of a decoding step as in the whole'],
    caughtBy: 'scores a decoding step as the last row of the whole',
    strategy: trained((positions) => Array.from(positions, (_p, i) => i)),
  },
]

const aLayer = make({ scores: softCapped(5).scores })

const brokenLayers: readonly Broken[] = [
  {
    mistake: 'a mistake in the second layer',
    says: ['x is not read'],
    caughtBy: 'layer 1: gates by what a token is',
    strategy: make({ layers: [aLayer, gate((ops, z) => ops.neg(ops.abs(ops.mul(z, ops.tensor([0], [1])))))] }),
  },
  {
    mistake: 'a table that only the second layer reads, in the whole',
    says: ['parameter rows to change something'],
    caughtBy: 'reads every parameter, at least half of it along each axis',
    strategy: make({ parameters: { rows: table(9, 4) }, layers: [aLayer, terms({})] }),
  },
]

/** Mistakes in hooks that read content, and in layers. */
export const brokenContent: readonly Broken[] = [
  ...brokenGates,
  ...brokenTerms,
  ...brokenScores,
  ...brokenTraining,
  ...brokenLayers,
]
