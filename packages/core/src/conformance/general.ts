import { checkStrategy } from '../check-strategy.js'
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
      const version: unknown = strategy?.specVersion
      if (typeof version === 'number' && version !== 1)
        fail(
          'a strategy of specVersion 1, which is what this @alibi/core knows',
          `${version}; update @alibi/core, or take a release of the strategy for this version`,
        )
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
      const hook = (what: string, value: unknown) => {
        if (typeof value !== 'function') fail(`a function ${what}`, typeof value)
      }
      if (embedding) hook('embedding.evaluate', embedding.evaluate)
      if (rotation) hook('rotation.angles', rotation.angles)
      if (bias?.kind === 'linear') hook('bias.slopes', bias.slopes)
      else if (bias) hook('bias.evaluate', bias.evaluate)
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
      const distances = Int32Array.from(pairDistances(positions, positions))
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
  {
    name: 'stays finite in fp32 a million tokens on',
    applies: ({ maxPositions }) => maxPositions === undefined,
    run(strategy) {
      const positions = Int32Array.of(0, 1e6)
      for (const { data, shape } of evaluateHooks(strategy, reference, variedParameters(strategy), positions))
        expectFinite(
          'values in fp32',
          { shape, data: data.map(Math.fround) },
          shape.length === 3
            ? [['head'], ['query', positions], ['key', positions]]
            : [['position', positions], ['feature']],
        )
      // Not magnitudes: xPos's grow with the position, which its products cancel.
      const angles = (strategy.rotation?.angles(positions) ?? new Float64Array()).map(Math.fround)
      expectFinite('angles in fp32', { shape: [2, angles.length / 2], data: angles }, [
        ['position', positions],
        ['pair'],
      ])
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
