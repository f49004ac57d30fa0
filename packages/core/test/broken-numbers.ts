import type { Broken } from './broken-strategies.js'
import { distance, embedding, linear, make, pair, rotation, wave } from './sound-strategies.js'

const everywhere = 'is finite in fp32 at every distance to 4,096, and far ones to a million'
const atOnce = 'answers at once, with tensors of the functions it is given'

/** Values that are not finite somewhere, and answers that are no numbers at all. */
export const brokenNumbers: readonly Broken[] = [
  ...[37, 1000, 3001].map((hole) => ({
    mistake: `NaN at distance ${hole} alone`,
    says: [`NaN at head 0, distance ${hole}`],
    caughtBy: everywhere,
    strategy: make({ bias: distance((d) => (d === hole ? Number.NaN : -Math.abs(d))) }),
  })),
  {
    mistake: 'NaN at distance 77 ahead alone',
    says: ['NaN at head 0, distance -77', 'the key is ahead'],
    caughtBy: everywhere,
    strategy: make({ bias: distance((d) => (d === -77 ? Number.NaN : -Math.abs(d))) }),
  },
  {
    mistake: 'a bias of pairs that is NaN at key 3,001 alone',
    says: ['NaN at head 0, query 4096, key 3001'],
    caughtBy: everywhere,
    strategy: make({ bias: pair((q, k) => (k === 3001 ? Number.NaN : Math.abs(q - k))) }),
  },
  {
    mistake: 'an embedding that is NaN at position 77 alone',
    says: ['NaN at position 77, feature 0'],
    caughtBy: everywhere,
    strategy: make({ embedding: embedding((p) => (p === 77 ? [Number.NaN, 0] : wave(p))) }),
  },
  {
    mistake: 'angles that are NaN at position 77 alone',
    says: ['angles', 'NaN at position 77, pair 0'],
    caughtBy: everywhere,
    strategy: rotation({
      angles: (positions) => Float64Array.from(positions, (p) => (p === 77 ? Number.NaN : p * 0.1)),
    }),
  },
  {
    mistake: 'magnitudes that leave fp32',
    says: ['magnitudes', 'Infinity at position', 'declare maxPositions'],
    caughtBy: everywhere,
    strategy: rotation({
      magnitudes: (positions, side) => Float64Array.from(positions, (p) => 0.999 ** (side === 'query' ? p : -p)),
    }),
  },
  {
    mistake: 'starts at e^90, which fp32 cannot hold',
    says: ['values of bias in fp32 at the starting parameters', 'where e^x ends'],
    caughtBy: 'is finite in fp32 where training starts',
    strategy: make({
      parameters: { a: { shape: [1], init: { kind: 'constant', value: 90 } } },
      bias: { kind: 'linear', numHeads: 1, slopes: (ops, { a }) => ops.exp(a!) },
    }),
  },
  {
    mistake: 'a number on the way that fp32 cannot hold',
    says: ['a number on the way'],
    caughtBy: 'is finite in fp32 where training starts',
    strategy: make({
      embedding: {
        modelDim: 1,
        evaluate: (ops, _parameters, positions) =>
          ops.div(
            ops.tensor(
              Float64Array.from(positions, (p) => p * 1e40),
              [positions.length, 1],
            ),
            ops.tensor([1e40], [1, 1]),
          ),
      },
    }),
  },
  {
    mistake: 'a hook that is async',
    says: ['from bias.slopes, got a promise', 'async'],
    caughtBy: atOnce,
    strategy: make({ bias: { ...linear([0.5]), slopes: (async () => {}) as never } }),
  },
  {
    mistake: 'an embedding that is async',
    says: ['from embedding.evaluate, got a promise'],
    caughtBy: atOnce,
    strategy: make({ embedding: { modelDim: 2, evaluate: (async () => {}) as never } }),
  },
  {
    mistake: 'angles in a plain array',
    says: ['a Float64Array from rotation.angles, got Array'],
    caughtBy: atOnce,
    strategy: rotation({ angles: (positions) => Array.from(positions, (p) => p * 0.1) as never }),
  },
  {
    mistake: 'a return that is missing',
    says: ['from embedding.evaluate, got undefined', 'a return is missing'],
    caughtBy: atOnce,
    strategy: make({ embedding: { modelDim: 2, evaluate: (() => {}) as never } }),
  },
]
