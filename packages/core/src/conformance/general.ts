import { checkStrategy } from '../check.js'
import type { ParameterValues } from '../parameters.js'
import { pairDistances } from '../positions.js'
import { type ReferenceTensor, reference } from '../reference.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { Check } from './check.js'
import { expectFinite, fail } from './expect.js'
import { evaluateHooks, knownPositions, variedParameters } from './inputs.js'

const always = () => true

export const generalChecks: readonly Check[] = [
  {
    name: 'declares itself as the interface asks',
    applies: always,
    run(strategy) {
      checkStrategy('conformance', strategy)
      const { name, parameterScope, maxPositions, embedding, rotation, bias } = strategy
      const positive = (what: string, value: number | undefined) => {
        if (value !== undefined && !(Number.isInteger(value) && value >= 1)) fail(`an integer ${what} ≥ 1`, `${value}`)
      }
      if (typeof name !== 'string') fail('a name that is a string', typeof name)
      positive('maxPositions', maxPositions)
      positive('modelDim', embedding?.modelDim)
      positive('rotaryDim', rotation?.rotaryDim)
      positive('numHeads', bias?.numHeads)
      if (parameterScope && !['model', 'layer'].includes(parameterScope))
        fail('parameterScope model or layer', parameterScope)
      if (bias && !['linear', 'distance', 'pair'].includes(bias.kind))
        fail('a bias of kind linear, distance or pair', bias.kind)
      if (rotation && rotation.rotaryDim % 2) fail('an even rotaryDim', `${rotation.rotaryDim}`)
      if (rotation && !['half', 'interleaved'].includes(rotation.pairing))
        fail('pairing half or interleaved', rotation.pairing)
      if (rotation && typeof rotation.cacheable !== 'boolean') fail('cacheable true or false', `${rotation.cacheable}`)
    },
  },
  {
    name: 'is frozen',
    applies: always,
    run(strategy) {
      if (!Object.isFrozen(strategy)) fail('a frozen object: Object.freeze it', 'one that can be changed')
    },
  },
  {
    name: 'computes the same from the same, and leaves its arguments alone',
    applies: always,
    run(strategy) {
      const parameters = variedParameters(strategy)
      const positions = knownPositions(strategy)
      const distances = pairDistances(positions, positions)
      const call = () => callHooks(strategy, parameters, positions, distances)
      const before = JSON.stringify([[...positions], [...distances], parameters])
      const first = call()
      const copy = JSON.stringify(first)
      if (JSON.stringify([[...positions], [...distances], parameters]) !== before)
        fail('arguments left as they were', 'changed ones')
      callHooks(strategy, parameters, positions.toReversed(), distances.toReversed())
      if (JSON.stringify(first) !== copy) fail('results that stay as they were', 'ones that a later call changed')
      if (JSON.stringify(call()) !== copy) fail('the same result from the same arguments', 'another')
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
      if (early) fail(`a value at position ${end - 1}`, `${early}`)
      const late = thrownAt(end)
      if (!(late instanceof RangeError)) fail(`a RangeError at position ${end}`, `${late ?? 'a value'}`)
    },
  },
  {
    name: 'stays finite in fp32 a million tokens on',
    applies: ({ maxPositions }) => maxPositions === undefined,
    run(strategy) {
      const positions = Int32Array.of(0, 1e6)
      for (const { data } of evaluateHooks(strategy, reference, variedParameters(strategy), positions))
        expectFinite('fp32 values', data.map(Math.fround))
      // Not magnitudes: xPos's grow with the position, which its products cancel.
      expectFinite('fp32 angles', (strategy.rotation?.angles(positions) ?? new Float64Array()).map(Math.fround))
    },
  },
]

/** Every function that the strategy has, given these very arguments. */
function callHooks(
  { embedding, rotation, bias }: PositionStrategy,
  parameters: ParameterValues<ReferenceTensor>,
  positions: Positions,
  distances: Int32Array,
): unknown[] {
  return [
    embedding?.evaluate(reference, parameters, positions),
    rotation?.angles(positions),
    rotation?.magnitudes?.(positions, 'query'),
    rotation?.magnitudes?.(positions, 'key'),
    bias?.kind === 'linear' && bias.slopes(reference, parameters),
    bias?.kind === 'distance' && bias.evaluate(reference, parameters, distances),
    bias?.kind === 'pair' && bias.evaluate(reference, parameters, positions, positions),
  ]
}
