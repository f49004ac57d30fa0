// Letters: H heads, Q/K queries/keys, L tokens, N distances.
import { initialParameters } from '../parameters.js'
import { positionRange } from '../positions.js'
import { reference } from '../reference.js'
import { scoreBias } from '../score-bias.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { Check } from './check.js'
import { expectEqual, expectFinite, expectShape, fail } from './expect.js'
import { firstPositions, isKnown, knownPositions, variedParameters } from './inputs.js'

const hasBias: Check['applies'] = ({ bias }) => bias !== undefined

const tile = (strategy: PositionStrategy, queries: Positions, keys: Positions) =>
  scoreBias(reference, strategy.bias!, variedParameters(strategy), queries, keys)

/** Compares the bias of some of the first positions with the same rows and columns of the whole. */
function expectSlice(
  what: string,
  strategy: PositionStrategy,
  choose: (all: Positions) => readonly [queries: Positions, keys: Positions],
): void {
  const all = firstPositions(strategy, 12)
  const [queries, keys] = choose(all)
  const want = reference.gather(reference.gather(tile(strategy, all, all), queries, 1), keys, 2)
  expectEqual(what, tile(strategy, queries, keys), want)
}

export const biasChecks: readonly Check[] = [
  {
    name: 'biases scores by finite values of shape [numHeads, queries, keys]',
    applies: hasBias,
    run(strategy) {
      const positions = knownPositions(strategy)
      const value = tile(strategy, positions, positions)
      expectShape('a bias', value, [strategy.bias!.numHeads, positions.length, positions.length])
      expectFinite('bias', value.data)
    },
  },
  {
    name: 'biases a tile as the whole matrix does',
    applies: hasBias,
    run(strategy) {
      const quarter = (all: Positions) => Math.floor(all.length / 4)
      expectSlice('a tile', strategy, (all) => [
        all.subarray(2 * quarter(all)),
        all.subarray(quarter(all), all.length - quarter(all)),
      ])
    },
  },
  {
    name: 'biases a decoding step as the last row of the whole',
    applies: hasBias,
    run(strategy) {
      expectSlice('a decoding step', strategy, (all) => [all.subarray(-1), all])
    },
  },
  {
    name: 'biases a pair whatever the others with it',
    applies: hasBias,
    run(strategy) {
      expectSlice('queries and keys in no order', strategy, (all) => {
        const known = (p: number) => p % all.length
        return [Int32Array.of(7, 2, 2, 5).map(known), Int32Array.of(9, 0, 4, 9, 1).map(known)]
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
      expectEqual(
        `distances ${distances} in reverse`,
        values(distances.toReversed()),
        reference.gather(all, backwards, 1),
      )
      const alone = values(distances.subarray(0, 1))
      expectEqual(`distance ${distances[0]} alone`, alone, reference.gather(all, Int32Array.of(0), 1))
    },
  },
  {
    name: 'tells distances behind apart',
    applies: (strategy) => strategy.bias !== undefined && isKnown(strategy, 1),
    run(strategy) {
      const keys = knownPositions(strategy)
      const { data } = tile(strategy, keys.subarray(-1), keys)
      const flat = data.every((value, i) => value === data[i - (i % keys.length)])
      if (flat) fail('a bias that differs between the keys behind a query', 'one value for all: is the sign flipped?')
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
        const negative = slopes.data.find((slope) => !(slope >= 0))
        if (negative !== undefined) fail(`slopes ≥ 0 ${when}: the minus sign is the kernel’s`, `${negative}`)
      }
    },
  },
  {
    name: 'has the bias it is known to have',
    applies: ({ bias }, options) => bias !== undefined && options.bias !== undefined,
    run(strategy, options) {
      const bias = strategy.bias!
      const distances = [0, 1, 2, 7, 64, 1000].filter((d) => isKnown(strategy, d))
      const query = distances.at(-1)!
      const keys = Int32Array.from(distances, (distance) => query - distance)
      const want = Array.from({ length: bias.numHeads }, (_, head) => distances.map((d) => options.bias!(head, d)))
      expectEqual(
        `the bias of each head at distances ${distances}`,
        scoreBias(reference, bias, initialParameters(reference, strategy.parameters), Int32Array.of(query), keys),
        reference.tensor(want.flat(), [bias.numHeads, 1, distances.length]),
      )
    },
  },
]
