// Letters: H heads, Q/K queries/keys, L tokens, N distances.
import { initialParameters } from '../parameters.js'
import { positionRange } from '../positions.js'
import { reference } from '../reference.js'
import { scoreBias } from '../score-bias.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { Check } from './check.js'
import { type Axis, expectEqual, expectFinite, expectShape, fail } from './expect.js'
import { firstPositions, isKnown, knownPositions, variedParameters } from './inputs.js'
import { tileSuspects } from './suspects.js'

const hasBias: Check['applies'] = ({ bias }) => bias !== undefined

const tile = (strategy: PositionStrategy, queries: Positions, keys: Positions) =>
  scoreBias(reference, strategy.bias!, variedParameters(strategy), queries, keys)

const biasAxes = (queries: Positions, keys: Positions): Axis[] => [['head'], ['query', queries], ['key', keys]]

/** Compares the bias of some of the first positions with the same rows and columns of the whole. */
function expectSlice(
  what: string,
  strategy: PositionStrategy,
  choose: (all: Positions) => readonly [queries: Positions, keys: Positions],
): void {
  const all = firstPositions(strategy, 12)
  const [queries, keys] = choose(all)
  const whole = tile(strategy, all, all)
  expectEqual(tile(strategy, queries, keys), {
    what,
    want: reference.gather(reference.gather(whole, queries, 1), keys, 2),
    axes: biasAxes(queries, keys),
    suspects: tileSuspects(whole, queries, keys),
    otherwise: () =>
      'it reads the other positions of the call, such as their number or the largest: read this query and this key alone',
  })
}

export const biasChecks: readonly Check[] = [
  {
    name: 'biases scores by finite values of shape [numHeads, queries, keys]',
    applies: hasBias,
    run(strategy) {
      const positions = knownPositions(strategy)
      const value = tile(strategy, positions, positions)
      expectShape('a bias', value, [strategy.bias!.numHeads, positions.length, positions.length])
      expectFinite('values of the bias', value, biasAxes(positions, positions), (flat) => {
        const [query, key] = [Math.floor(flat / positions.length) % positions.length, flat % positions.length]
        return key > query
          ? '; likely mistake: the key is ahead, its distance negative: a mask hides it, but not NaN'
          : ''
      })
    },
  },
  {
    name: 'biases a tile as the whole matrix does',
    applies: hasBias,
    run(strategy) {
      const quarter = (all: Positions) => Math.floor(all.length / 4)
      expectSlice('a tile’s bias as in the whole', strategy, (all) => [
        all.subarray(2 * quarter(all)),
        all.subarray(quarter(all), all.length - quarter(all)),
      ])
    },
  },
  {
    name: 'biases a decoding step as the last row of the whole',
    applies: hasBias,
    run(strategy) {
      expectSlice('a decoding step’s bias as in the whole', strategy, (all) => [all.subarray(-1), all])
    },
  },
  {
    name: 'biases a pair whatever the others with it',
    applies: hasBias,
    run(strategy) {
      expectSlice('the bias of queries and keys in no order as in the whole', strategy, (all) => {
        const known = (p: number) => p % all.length
        return [Int32Array.of(7, 2, 2, 5).map(known), Int32Array.of(6, 0, 4, 6, 1).map(known)]
      })
    },
  },
  {
    name: 'biases a distance whatever the others with it',
    applies: ({ bias }) => bias?.kind === 'distance',
    run(strategy) {
      const { bias } = strategy
      if (bias?.kind !== 'distance') return
      const values = (distances: Int32Array) => bias.evaluate(reference, variedParameters(strategy), distances)
      const distances = Int32Array.of(9, 0, -3, 9, 4, 1).filter((d) => isKnown(strategy, Math.abs(d)))
      const all = values(distances)
      const backwards = positionRange(0, distances.length).reverse()
      expectEqual(values(distances.toReversed()), {
        what: 'the bias of distances in reverse, each as before',
        want: reference.gather(all, backwards, 1),
        axes: [['head'], ['distance', distances.toReversed()]],
        suspects: [{ mistake: 'the place in the list is read instead of the distance', values: () => all.data }],
      })
      expectEqual(values(distances.subarray(0, 1)), {
        what: 'the bias of a distance alone as among others',
        want: reference.gather(all, Int32Array.of(0), 1),
        axes: [['head'], ['distance', distances]],
      })
    },
  },
  {
    name: 'tells distances behind apart',
    applies: (strategy) => strategy.bias !== undefined && isKnown(strategy, 1),
    run(strategy) {
      const keys = knownPositions(strategy)
      const isFlat = (query: Positions) => {
        const { data } = tile(strategy, query, keys)
        return data.every((value, i) => value === data[i - (i % keys.length)])
      }
      if (!isFlat(keys.subarray(-1))) return
      const likely = isFlat(keys.subarray(0, 1))
        ? 'the distance is not read'
        : 'the sign of the distance is flipped: query − key is positive behind'
      fail(
        `a bias that differs between the keys behind query ${keys.at(-1)}`,
        `one value for all keys at every head; likely mistake: ${likely}`,
      )
    },
  },
  {
    name: 'has slopes that penalise distance, wherever training takes them',
    applies: ({ bias }) => bias?.kind === 'linear',
    run(strategy) {
      const { bias } = strategy
      if (bias?.kind !== 'linear') return
      const cases = {
        'at the start': initialParameters(reference, strategy.parameters),
        'for any parameters': variedParameters(strategy, -1.5, 1.5),
      }
      for (const [when, parameters] of Object.entries(cases)) {
        const slopes = bias.slopes(reference, parameters)
        expectShape('slopes', slopes, [bias.numHeads])
        expectFinite(`slopes ${when}`, slopes, [['head']])
        const head = slopes.data.findIndex((slope) => slope < 0)
        if (head < 0) continue
        const likely = strategy.parameters
          ? 'the slope itself is trained: train its logarithm, and return ops.exp of it'
          : 'the bias grows with distance: return the slope, the minus sign is the kernel’s'
        fail(`slopes ≥ 0 ${when}`, `${slopes.data[head]} at head ${head}; likely mistake: ${likely}`)
      }
    },
  },
  {
    name: 'leaves the mask to the model',
    applies: hasBias,
    run(strategy) {
      const positions = firstPositions(strategy, 8)
      const { data } = tile(strategy, positions, positions)
      const L = positions.length
      const isAhead = (flat: number) => flat % L > Math.floor(flat / L) % L
      const ahead = data.filter((_, flat) => isAhead(flat))
      const behind = data.filter((_, flat) => !isAhead(flat))
      const highest = Math.max(...ahead)
      // One head that looks ahead is enough: one-sided heads of an encoder hide the other side on purpose.
      if (L > 1 && highest < Math.min(...behind) - 1000)
        fail(
          'the formula’s value for keys ahead, or 0',
          `at most ${highest} at every head; likely mistake: the mask is in the bias, where encoders and kernels cannot take it out`,
        )
    },
  },
]
