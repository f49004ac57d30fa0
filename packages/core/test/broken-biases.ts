import type { Broken } from './broken-strategies.js'
import { bucketed, distance, geometric, knownSlopes, linear, make, pair } from './sound-strategies.js'

/** The authors' slopes for 12 heads (paper, §3, and their get_slopes). */
const twelve = [...geometric(8, 1), ...[1, 3, 5, 7].map((k) => 2 ** (-k / 2))]

export const brokenBiases: readonly Broken[] = [
  {
    mistake: 'a bias without heads',
    caughtBy: 'biases scores by finite values of shape [numHeads, queries, keys]',
    strategy: make({ bias: { ...pair((q, k) => Math.abs(q - k)), numHeads: 2 } }),
  },
  {
    mistake: 'a logarithm of the keys ahead: NaN',
    caughtBy: 'biases scores by finite values of shape [numHeads, queries, keys]',
    strategy: make({ bias: distance((d) => -Math.log1p(d)) }),
  },
  {
    mistake: 'grows out of fp32',
    caughtBy: 'stays finite in fp32 a million tokens on',
    strategy: make({ bias: distance((d) => -(d ** 8)) }),
  },
  {
    mistake: 'takes absolute distances in place',
    caughtBy: 'computes the same from the same, and leaves its arguments alone',
    strategy: make({
      bias: {
        kind: 'distance',
        numHeads: 1,
        evaluate(ops, _parameters, distances) {
          distances.forEach((d, i) => {
            distances[i] = Math.abs(d)
          })
          return ops.neg(ops.tensor(distances, [1, distances.length]))
        },
      },
    }),
  },
  {
    mistake: 'distances counted within the tile',
    caughtBy: 'biases a tile as the whole matrix does',
    strategy: make({ bias: pair((_q, _k, i, j) => Math.abs(i - j)) }),
  },
  {
    mistake: 'the column form in a tile: slope·column, counted from the first key of the tile',
    caughtBy: 'biases a tile as the whole matrix does',
    strategy: make({ bias: pair((_q, _k, _i, j) => -j) }),
  },
  {
    mistake: 'divided by the size of the tile',
    caughtBy: 'biases a tile as the whole matrix does',
    strategy: make({ bias: pair((q, k, _i, _j, _queries, keys) => Math.abs(q - k) / keys.length) }),
  },
  {
    mistake: 'the offset ignored in decoding: the query counted from 0',
    caughtBy: 'biases a decoding step as the last row of the whole',
    strategy: make({ bias: pair((q, k, i, _j, queries) => Math.abs((queries.length === 1 ? i : q) - k)) }),
  },
  {
    mistake: 'takes the positions of a tile to follow each other',
    caughtBy: 'biases a pair whatever the others with it',
    strategy: make({ bias: pair((_q, _k, i, j, queries, keys) => Math.abs(queries[0]! + i - (keys[0]! + j))) }),
  },
  {
    mistake: 'a distance bias that looks at its list: the column form',
    caughtBy: 'biases a distance whatever the others with it',
    strategy: make({ bias: distance((_d, i) => 0.5 * i) }),
  },
  {
    mistake: 'T5 with its sign flipped: all that is behind in bucket 0',
    caughtBy: 'tells distances behind apart',
    strategy: bucketed((distance) => Math.min(7, Math.max(0, -distance))),
  },
  {
    mistake: 'clamps distances past the end of its table',
    caughtBy: 'throws for positions from maxPositions on, and not before',
    strategy: bucketed((distance) => Math.min(7, Math.max(0, distance)), { maxPositions: 8 }),
  },
  {
    mistake: 'the wrong sign: distance is rewarded',
    caughtBy: 'has slopes that penalise distance, wherever training takes them',
    strategy: make({ bias: linear(geometric(8, 1).map((slope) => -slope)) }),
  },
  {
    mistake: 'slopes that training can turn negative',
    caughtBy: 'has slopes that penalise distance, wherever training takes them',
    strategy: make({
      parameters: { slopes: { shape: [8], init: { kind: 'values', values: geometric(8, 1) } } },
      bias: { kind: 'linear', numHeads: 8, slopes: (_ops, { slopes }) => slopes! },
    }),
  },
  {
    mistake: 'slopes off by one: the first head has slope 1',
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear(geometric(8, 0)) }),
    options: knownSlopes(geometric(8, 1)),
  },
  {
    mistake: 'plain geometric slopes for 12 heads',
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear(geometric(12, 1)) }),
    options: knownSlopes(twelve),
  },
  {
    mistake: 'a bias scaled by 1/√headDim with the scores',
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear(geometric(8, 1).map((slope) => slope / 8)) }),
    options: knownSlopes(geometric(8, 1)),
  },
  {
    mistake: 'the column form, slope·column: the same after softmax, but imprecise far away',
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: pair((_q, k) => -k) }),
    options: knownSlopes([0.5]),
  },
]
