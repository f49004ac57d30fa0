import type { Broken } from './broken-strategies.js'
import { bucketed, distance, geometric, knownSlopes, linear, make, pair } from './sound-strategies.js'

/** The authors' slopes for 12 heads (paper, §3, and their get_slopes). */
const twelve = [...geometric(8, 1), ...[1, 3, 5, 7].map((k) => 2 ** (-k / 2))]

/** Slope ½ up to distance 1,024, and a constant beyond. */
const clipped = (distance: number) => -0.5 * Math.min(1024, Math.abs(distance))

export const brokenBiases: readonly Broken[] = [
  {
    mistake: 'divided by the largest key of the call',
    says: ['it reads the other positions of the call', 'the largest'],
    caughtBy: 'biases a tile as the whole matrix does',
    strategy: make({ bias: pair((q, k, _i, _j, _queries, keys) => Math.abs(q - k) / Math.max(...keys)) }),
  },
  {
    mistake: 'heads last',
    says: ['a distance bias of shape [8,1444], got [1444,8]', 'heads come first: transpose it'],
    caughtBy: 'biases scores by finite values of shape [numHeads, queries, keys]',
    strategy: make({
      bias: {
        kind: 'distance',
        numHeads: 8,
        evaluate: (ops, _parameters, distances) =>
          ops.tensor(
            [...distances].flatMap((d) => geometric(8, 1).map((slope) => -slope * Math.abs(d))),
            [distances.length, 8],
          ),
      },
    }),
  },
  {
    mistake: 'the mask in the bias',
    says: ['at most -1000000000 at every head', 'the mask is in the bias'],
    caughtBy: 'leaves the mask to the model',
    strategy: make({ bias: distance((d) => (d < 0 ? -1e9 : -d)) }),
  },
  {
    mistake: 'slopes of NaN',
    says: ['finite slopes at the start, got NaN at head 1'],
    caughtBy: 'has slopes that penalise distance, wherever training takes them',
    strategy: make({ bias: linear([0.5, Number.NaN]) }),
  },
  {
    mistake: 'clipped at distance 1,024',
    says: ['-512.5 at head 0, query 16383, distance 1025', 'distances are clipped', 'from distance 1024 on'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: distance(clipped) }),
    options: knownSlopes([0.5]),
  },
  {
    mistake: 'wrong at distance 3 alone',
    says: ['-1.5 at head 0, query 16383, distance 3, got -1'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: distance((d) => -0.5 * (Math.abs(d) === 3 ? 2 : Math.abs(d))) }),
    options: knownSlopes([0.5]),
  },
  {
    mistake: 'a bias of pairs that forgets how far the query is, near the start',
    says: ['at head 0, query 1, distance 1'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: pair((query, key) => Math.abs(query - key) / Math.max(query, 512)) }),
    options: { bias: (_head, query, key) => (-0.5 * (query - key)) / Math.max(query, 1) },
  },
  {
    mistake: 'a table of the other bucket: right where it starts with zeros, wrong once it is trained',
    says: ['the known bias at other parameters'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({
      parameters: { table: { shape: [8, 2], init: { kind: 'constant', value: 0 } } },
      bias: bucketed((d) => Math.min(7, Math.max(0, d + 1))).bias,
    }),
    options: { bias: (head, query, key, { table }) => table![2 * Math.min(7, query - key) + head]! },
  },
  {
    mistake: 'a bias without heads',
    caughtBy: 'biases scores by finite values of shape [numHeads, queries, keys]',
    strategy: make({ bias: { ...pair((q, k) => Math.abs(q - k)), numHeads: 2 } }),
  },
  {
    mistake: 'a logarithm of the keys ahead: NaN',
    says: ['head 0, query 0, key 1', 'the key is ahead'],
    caughtBy: 'biases scores by finite values of shape [numHeads, queries, keys]',
    strategy: make({ bias: distance((d) => -Math.log1p(d)) }),
  },
  {
    mistake: 'grows out of fp32',
    says: ['-Infinity at head 0, distance -1000000'],
    caughtBy: 'is finite in fp32 at every distance to 4,096, and far ones to a million',
    strategy: make({ bias: distance((d) => -(d ** 8)) }),
  },
  {
    mistake: 'takes absolute distances in place',
    says: ['changed distances'],
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
    says: ['-1.5 at head 0, query 6, key 3, got 0', 'counted from 0 in every call'],
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
    says: ['it reads the other positions of the call'],
    caughtBy: 'biases a tile as the whole matrix does',
    strategy: make({ bias: pair((q, k, _i, _j, _queries, keys) => Math.abs(q - k) / keys.length) }),
  },
  {
    mistake: 'the offset ignored in decoding: the query counted from 0',
    says: ['-5.5 at head 0, query 11, key 0, got 0', 'the offset of the queries is ignored'],
    caughtBy: 'biases a decoding step as the last row of the whole',
    strategy: make({ bias: pair((q, k, i, _j, queries) => Math.abs((queries.length === 1 ? i : q) - k)) }),
  },
  {
    mistake: 'takes the positions of a tile to follow each other',
    says: ['follow each other from the first'],
    caughtBy: 'biases a pair whatever the others with it',
    strategy: make({ bias: pair((_q, _k, i, j, queries, keys) => Math.abs(queries[0]! + i - (keys[0]! + j))) }),
  },
  {
    mistake: 'a distance bias that looks at its list: the column form',
    says: ['at head 0, distance 1', 'the place in the list'],
    caughtBy: 'biases a distance whatever the others with it',
    strategy: make({ bias: distance((_d, i) => 0.5 * i) }),
  },
  {
    mistake: 'T5 with its sign flipped: all that is behind in bucket 0',
    says: ['behind query 16383', 'the sign of the distance is flipped'],
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
    says: ['-0.5 at head 0', 'the bias grows with distance'],
    caughtBy: 'has slopes that penalise distance, wherever training takes them',
    strategy: make({ bias: linear(geometric(8, 1).map((slope) => -slope)) }),
  },
  {
    mistake: 'slopes that training can turn negative',
    says: ['train its logarithm'],
    caughtBy: 'has slopes that penalise distance, wherever training takes them',
    strategy: make({
      parameters: { slopes: { shape: [8], init: { kind: 'values', values: geometric(8, 1) } } },
      bias: { kind: 'linear', numHeads: 8, slopes: (_ops, { slopes }) => slopes! },
    }),
  },
  {
    mistake: 'slopes off by one: the first head has slope 1',
    says: ['-0.5 at head 0, query 16383, distance 1, got -1', 'heads are off by one'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear(geometric(8, 0)) }),
    options: knownSlopes(geometric(8, 1)),
  },
  {
    mistake: 'plain geometric slopes for 12 heads',
    says: ['no power of two'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear(geometric(12, 1)) }),
    options: knownSlopes(twelve),
  },
  {
    mistake: 'a bias scaled by 1/√headDim with the scores',
    says: ['0.125 times', 'after 1/√headDim'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear(geometric(8, 1).map((slope) => slope / 8)) }),
    options: knownSlopes(geometric(8, 1)),
  },
  {
    mistake: 'a bias that grows with the distance',
    says: ['-0.5 at head 0, query 16383, distance 1, got 0.5', 'the bias grows with the distance'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: distance((d) => 0.5 * Math.abs(d)) }),
    options: knownSlopes([0.5]),
  },
  {
    mistake: 'distances counted from 1',
    says: ['0 at head 0, query 16383, distance 0, got -0.5', 'a token is at distance 0 from itself'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: distance((d) => -0.5 * (Math.abs(d) + 1)) }),
    options: knownSlopes([0.5]),
  },
  {
    mistake: 'the last two keys at distance 0',
    says: ['-0.5 at head 0, query 16383, distance 1, got 0', 'the key before a query is at distance 1'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: distance((d) => -0.5 * Math.max(0, Math.abs(d) - 1)) }),
    options: knownSlopes([0.5]),
  },
  {
    mistake: 'slopes in reverse order',
    says: ['at head 0, query 16383, distance 1', 'the heads are in reverse order'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear(geometric(8, 1).reverse()) }),
    options: knownSlopes(geometric(8, 1)),
  },
  {
    mistake: 'slopes sorted, for 12 heads',
    says: ['the heads are sorted by slope'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: linear([...twelve].sort((a, b) => b - a)) }),
    options: knownSlopes(twelve),
  },
  {
    mistake: 'the column form, slope·column: the same after softmax, but imprecise far away',
    says: ['the column form'],
    caughtBy: 'has the bias it is known to have',
    strategy: make({ bias: pair((_q, k) => -k) }),
    options: knownSlopes([0.5]),
  },
]
