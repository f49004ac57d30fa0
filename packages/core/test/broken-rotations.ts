import type { Broken } from './broken-strategies.js'
import { axial, dynamicAngles, rotation } from './sound-strategies.js'

const rates = (positions: Int32Array, ofPairs: readonly number[]) =>
  Float64Array.from([...positions].flatMap((p) => ofPairs.map((rate) => p * rate)))
/** Mistakes in how queries and keys turn. */
export const brokenRotations: readonly Broken[] = [
  {
    mistake: 'axial positions on a grid 7 wide that are said to be relative',
    says: ['say relative: false'],
    caughtBy: 'rotates so that products depend on the distance alone',
    strategy: axial(7),
  },
  {
    mistake: 'axial positions on a grid whose rows fit most offsets',
    caughtBy: 'rotates so that products depend on the distance alone',
    strategy: axial(16),
  },
  {
    mistake: 'the other pairing than known',
    says: ['pairing half, got interleaved', 'weights'],
    caughtBy: 'turns the pairs of features it is known to turn',
    strategy: rotation({ rotaryDim: 4, pairing: 'interleaved', angles: (positions) => rates(positions, [1, 0.01]) }),
    options: { angle: (position, pair) => position * [1, 0.01][pair]!, pairing: 'half' },
  },
  {
    mistake: 'magnitudes of queries on keys',
    says: ['the known magnitudes of a query', 'queries and keys are swapped'],
    caughtBy: 'has the magnitudes it is known to have',
    strategy: rotation({
      magnitudes: (positions, side) => Float64Array.from(positions, () => (side === 'key' ? 2 : 0.5)),
    }),
    options: { magnitude: (_position, _pair, side) => (side === 'query' ? 2 : 0.5) },
  },
  {
    mistake: 'no magnitudes where some are known',
    says: ['there are none'],
    caughtBy: 'has the magnitudes it is known to have',
    strategy: rotation({}),
    options: { magnitude: () => 1.1386 },
  },
  {
    mistake: 'an angle too few',
    caughtBy: 'rotates by finite angles, one a pair and position',
    strategy: rotation({ angles: (positions) => new Float64Array(positions.length - 1) }),
  },
  {
    mistake: 'rotates nothing',
    caughtBy: 'rotates by finite angles, one a pair and position',
    strategy: rotation({ angles: (positions) => new Float64Array(positions.length) }),
  },
  {
    mistake: 'magnitudes that do not cancel',
    says: ['the same 1 tokens on', 'at query 1, key 1', 'do not cancel'],
    caughtBy: 'rotates so that products depend on the distance alone',
    strategy: rotation({ magnitudes: (positions) => Float64Array.from(positions, (p) => 0.999 ** p) }),
  },
  {
    mistake: 'angles of the square of the position',
    says: ['no multiple of the position', 'say relative: false'],
    caughtBy: 'rotates so that products depend on the distance alone',
    strategy: rotation({ angles: (positions) => Float64Array.from(positions, (p) => 0.01 * p * p) }),
  },
  {
    mistake: 'angles in fp32, coarse far away',
    says: ['compute them in float64'],
    caughtBy: 'rotates so that products depend on the distance alone',
    strategy: rotation({ angles: (positions) => Float64Array.from(positions, (p) => Math.fround(0.1 * p)) }),
  },
  {
    mistake: 'ignores the offset: counts from 0 in every call',
    says: ['counted from 0 in every call'],
    caughtBy: 'rotates a decoding step as the last row of the whole',
    strategy: rotation({ cacheable: false, angles: (positions) => Float64Array.from(positions, (_p, i) => 0.1 * i) }),
  },
  {
    mistake: 'dynamic scaling that says its keys may be cached',
    says: ['say cacheable: false'],
    caughtBy: 'rotates keys one by one as all at once, if it says they may be cached',
    strategy: rotation({ angles: dynamicAngles }),
  },
  {
    mistake: 'takes positions to follow each other: no packed documents',
    says: ['follow each other from the first'],
    caughtBy: 'rotates keys one by one as all at once, if it says they may be cached',
    strategy: rotation({ angles: (positions) => Float64Array.from(positions, (_p, i) => 0.1 * (positions[0]! + i)) }),
  },
  {
    mistake: 'pairs in reverse order',
    says: ['at position 1, pair 0, its cosine', 'the pairs are in reverse order'],
    caughtBy: 'turns by the angles it is known to turn by',
    strategy: rotation({ rotaryDim: 4, angles: (positions) => rates(positions, [0.01, 1]) }),
    options: { angle: (position, pair) => position * [1, 0.01][pair]!, pairing: 'half' },
  },
  {
    mistake: 'another base',
    says: ['at position 1, pair 1, its cosine', 'the base, or the dimension'],
    caughtBy: 'turns by the angles it is known to turn by',
    strategy: rotation({ rotaryDim: 4, angles: (positions) => rates(positions, [1, 0.02]) }),
    options: { angle: (position, pair) => position * [1, 0.01][pair]!, pairing: 'half' },
  },
  {
    mistake: 'turns the other way than known',
    says: ['at position 1, pair 0, its sine', 'the other way'],
    caughtBy: 'turns by the angles it is known to turn by',
    strategy: rotation({ angles: (positions) => Float64Array.from(positions, (p) => -0.1 * p) }),
    options: { angle: (position) => 0.1 * position, pairing: 'half' },
  },
]
