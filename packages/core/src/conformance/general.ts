import { checkStrategy } from '../check-strategy.js'
import type { ParameterValues } from '../parameters.js'
import { pairDistances } from '../positions.js'
import { type ReferenceTensor, reference } from '../reference.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { Check } from './check.js'
import { fail } from './expect.js'
import {
  bothWays,
  evaluateHooks,
  features,
  firstPositions,
  knownPositions,
  ROWS,
  scoreRows,
  variedParameters,
} from './inputs.js'

const always = () => true

export const generalChecks: readonly Check[] = [
  {
    name: 'declares itself as the interface asks',
    applies: always,
    run: (strategy) => checkStrategy('conformance', strategy),
  },
  {
    name: 'is frozen',
    applies: always,
    run(strategy) {
      // Its hooks need not be: strategies made with a plain Object.freeze stay valid. defineStrategy freezes all.
      if (!Object.isFrozen(strategy))
        fail('a frozen object: defineStrategy({ … }) makes one', 'strategy, which can be changed')
    },
  },
  {
    name: 'answers at once, with tensors of the functions it is given',
    applies: always,
    run(strategy) {
      const positions = firstPositions(strategy, 4)
      const distances = Int32Array.from(pairDistances(positions, positions))
      const results = callHooks(strategy, variedParameters(strategy), positions, distances)
      for (const [hook, result] of Object.entries(results)) {
        const isHost = hook.startsWith('rotation')
        const want = isHost ? 'a Float64Array' : 'a tensor of the ops it is given'
        if (result instanceof Promise) fail(`${want} from ${hook}`, 'a promise; likely mistake: a hook that is async')
        const data: unknown = isHost ? result : (result as ReferenceTensor | undefined)?.data
        if (!(data instanceof Float64Array)) fail(`${want} from ${hook}`, describe(result))
      }
    },
  },
  {
    name: 'computes the same from the same, and leaves its arguments alone',
    applies: always,
    run(strategy) {
      const parameters = variedParameters(strategy)
      const positions = knownPositions(strategy)
      const distances = bothWays(positions)
      const call = () => callHooks(strategy, parameters, positions, distances)
      const given = () => ({ positions: [...positions], distances: [...distances], parameters })
      const before = JSON.stringify(given())
      const first = call()
      const copy = JSON.stringify(first)
      if (JSON.stringify(given()) !== before) {
        const after = given()
        const changed = Object.entries(JSON.parse(before)).find(
          ([name, value]) => JSON.stringify(after[name as keyof typeof after]) !== JSON.stringify(value),
        )![0]
        fail(
          'arguments left as they were',
          `changed ${changed}; likely mistake: writing into what is given instead of a copy, as in positions.map(…)`,
        )
      }
      callHooks(strategy, parameters, positions.toReversed(), distances.toReversed())
      if (JSON.stringify(first) !== copy)
        fail(
          'results that stay as they were',
          'ones that a later call changed; likely mistake: a buffer that is kept and written again',
        )
      if (JSON.stringify(call()) !== copy)
        fail(
          'the same result from the same arguments',
          'another; likely mistake: something is counted, random or remembered between calls',
        )
    },
  },
  {
    name: 'throws for positions from maxPositions on, and not before',
    applies: ({ maxPositions }) => maxPositions !== undefined,
    run(strategy) {
      /** What the hooks throw at a position; with position 0, so that a distance bias meets the distance. */
      const thrownAt = (position: number): unknown => {
        const positions = Int32Array.of(0, position)
        try {
          evaluateHooks(strategy, reference, variedParameters(strategy), positions)
          strategy.rotation?.angles(positions)
        } catch (error) {
          return error
        }
      }
      const end = strategy.maxPositions!
      const early = thrownAt(end - 1)
      if (early)
        fail(
          `a value at position ${end - 1}`,
          `${early}; likely mistake: maxPositions is one more than the last position`,
        )
      const late = thrownAt(end)
      if (!(late instanceof RangeError))
        fail(
          `a RangeError at position ${end}`,
          late ? `${late}` : 'a value; likely mistake: positions past the end of the table are clamped: throw',
        )
    },
  },
]

function describe(result: unknown): string {
  if (result === undefined) return 'undefined; likely mistake: a return is missing'
  return typeof result === 'object' && result !== null ? result.constructor?.name || 'an object' : typeof result
}

/** The result of every function that the strategy has, given these very arguments. */
function callHooks(
  strategy: PositionStrategy,
  parameters: ParameterValues<ReferenceTensor>,
  positions: Positions,
  distances: Int32Array,
): Readonly<Record<string, unknown>> {
  const { embedding, rotation, bias, gate, terms, scores, sink } = strategy
  return {
    ...(embedding && { 'embedding.evaluate': embedding.evaluate(reference, parameters, positions) }),
    ...(rotation && { 'rotation.angles': rotation.angles(positions) }),
    ...(rotation?.magnitudes && {
      'rotation.magnitudes': rotation.magnitudes(positions, 'query'),
      'rotation.magnitudes of keys': rotation.magnitudes(positions, 'key'),
    }),
    ...(bias?.kind === 'linear' && { 'bias.slopes': bias.slopes(reference, parameters) }),
    ...(bias?.kind === 'distance' && { 'bias.evaluate': bias.evaluate(reference, parameters, distances) }),
    ...(bias?.kind === 'pair' && { 'bias.evaluate': bias.evaluate(reference, parameters, positions, positions) }),
    ...(rotation?.trainedAngles && {
      'trained angles': rotation.trainedAngles(reference, parameters, positions),
    }),
    ...(gate && { 'gate.evaluate': gate.evaluate(reference, parameters, features(1, ROWS, gate.modelDim)) }),
    ...(terms?.queryVectors && { 'terms.queryVectors': terms.queryVectors(reference, parameters, distances) }),
    ...(terms?.keyVectors && { 'terms.keyVectors': terms.keyVectors(reference, parameters, distances) }),
    ...(terms?.queryBias && { 'terms.queryBias': terms.queryBias(reference, parameters) }),
    ...(scores && { 'scores.evaluate': scores.evaluate(reference, parameters, scoreRows(reference, strategy)) }),
    ...(sink && { 'sink.evaluate': sink.evaluate(reference, parameters) }),
  }
}
