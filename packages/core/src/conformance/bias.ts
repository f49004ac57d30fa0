// Letters: H heads, Q/K queries/keys, N distances.
import { initialParameters } from '../parameters.js'
import { positionRange } from '../positions.js'
import { type ReferenceTensor, reference } from '../reference.js'
import { scoreBias } from '../score-bias.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import { type Check, expectEqual, expectFinite, fail, knownPositions, variedParameters } from './check.js'

const hasBias: Check['applies'] = ({ bias }) => bias !== undefined

const tile = (strategy: PositionStrategy, queries: Positions, keys: Positions) =>
  scoreBias(reference, strategy.bias!, variedParameters(strategy), queries, keys)

/** Rows [from, to) and columns [left, right) of every head. */
function slice(x: ReferenceTensor, [from, to]: [number, number], [left, right]: [number, number]): ReferenceTensor {
  const indices = (a: number, b: number) => positionRange(a, b - a)
  return reference.gather(reference.gather(x, indices(from, to), 1), indices(left, right), 2)
}

const LENGTH = 12

export const biasChecks: readonly Check[] = [
  {
    name: 'biases scores by finite values of shape [numHeads, queries, keys]',
    applies: hasBias,
    run(strategy) {
      const positions = knownPositions(strategy)
      const value = tile(strategy, positions, positions)
      const want = [strategy.bias!.numHeads, positions.length, positions.length]
      if (`${value.shape}` !== `${want}`) fail(`a bias of shape [${want}]`, `[${value.shape}]`)
      expectFinite('bias', value)
    },
  },
  {
    name: 'biases a tile as the whole matrix does',
    applies: hasBias,
    run(strategy) {
      const whole = tile(strategy, positionRange(0, LENGTH), positionRange(0, LENGTH))
      const part = tile(strategy, positionRange(5, 4), positionRange(2, 6))
      expectEqual('a tile', part, slice(whole, [5, 9], [2, 8]))
    },
  },
  {
    name: 'biases a decoding step as the last row of the whole',
    applies: hasBias,
    run(strategy) {
      const keys = positionRange(0, LENGTH)
      const whole = tile(strategy, keys, keys)
      const step = tile(strategy, Int32Array.of(LENGTH - 1), keys)
      expectEqual('a decoding step', step, slice(whole, [LENGTH - 1, LENGTH], [0, LENGTH]))
    },
  },
  {
    name: 'biases a distance whatever the others with it',
    applies: ({ bias }) => bias?.kind === 'distance',
    run(strategy) {
      const { bias } = strategy
      if (bias?.kind !== 'distance') return
      const values = (...distances: number[]) =>
        bias.evaluate(reference, variedParameters(strategy), Int32Array.from(distances))
      const all = values(9, 0, -3, 9, 4, 1)
      const order = Int32Array.of(4, 2, 0)
      expectEqual('distances 4, −3, 9 alone', values(4, -3, 9), reference.gather(all, order, 1))
      expectEqual('distance 9 again', reference.gather(all, Int32Array.of(3), 1), values(9))
    },
  },
  {
    name: 'tells distances behind apart',
    applies: hasBias,
    run(strategy) {
      const H = strategy.bias!.numHeads
      const row = tile(strategy, Int32Array.of(LENGTH - 1), positionRange(0, LENGTH)).data
      const flat = Array.from({ length: H }, (_, h) => row.slice(h * LENGTH, (h + 1) * LENGTH)).every((head) =>
        head.every((value) => value === head[0]),
      )
      if (flat) fail('a bias that differs between the keys behind a query', 'one value for all: is the sign flipped?')
    },
  },
  {
    name: 'has slopes that penalise distance',
    applies: ({ bias }) => bias?.kind === 'linear',
    run(strategy) {
      const { bias } = strategy
      if (bias?.kind !== 'linear') return
      const slopes = bias.slopes(reference, initialParameters(reference, strategy.parameters))
      if (`${slopes.shape}` !== `${[bias.numHeads]}`) fail(`slopes of shape [${bias.numHeads}]`, `[${slopes.shape}]`)
      const negative = slopes.data.find((slope) => !(slope >= 0))
      if (negative !== undefined) fail('slopes ≥ 0: the minus sign is the kernel’s', `${negative}`)
    },
  },
  {
    name: 'has the bias it is known to have',
    applies: ({ bias }, options) => bias !== undefined && options.bias !== undefined,
    run({ bias, parameters }, options) {
      const start = initialParameters(reference, parameters)
      const distances = [0, 1, 2, 7, 64, 1000]
      const queries = Int32Array.of(1000)
      const keys = Int32Array.from(distances, (distance) => 1000 - distance)
      const want = Array.from({ length: bias!.numHeads }, (_, head) => distances.map((d) => options.bias!(head, d)))
      expectEqual(
        'the bias of each head at distances 0, 1, 2, 7, 64, 1000',
        scoreBias(reference, bias!, start, queries, keys),
        reference.tensor(want.flat(), [bias!.numHeads, 1, distances.length]),
      )
    },
  },
]
