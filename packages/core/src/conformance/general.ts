import { checkStrategy } from '../check.js'
import { reference } from '../reference.js'
import { type Check, evaluateHooks, expectEqual, fail, knownPositions, variedParameters } from './check.js'

const always = () => true

export const generalChecks: readonly Check[] = [
  {
    name: 'declares itself as the interface asks',
    applies: always,
    run(strategy) {
      checkStrategy('conformance', strategy)
      const { parameterScope, maxPositions, embedding, rotation, bias } = strategy
      const positive = (what: string, value: number | undefined) => {
        if (value !== undefined && !(Number.isInteger(value) && value >= 1)) fail(`an integer ${what} ≥ 1`, `${value}`)
      }
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
      const before = JSON.stringify([...positions, parameters])
      const first = [...evaluateHooks(strategy, reference, parameters, positions), ...rotations()]
      const again = [...evaluateHooks(strategy, reference, parameters, positions), ...rotations()]
      if (JSON.stringify([...positions, parameters]) !== before) fail('arguments left as they were', 'changed ones')
      first.forEach((value, i) => {
        expectEqual('the same result from a second call', again[i]!, value)
      })

      function rotations() {
        const { rotation } = strategy
        if (!rotation) return []
        const shape = [positions.length, rotation.rotaryDim / 2]
        const rows = [rotation.angles(positions), rotation.magnitudes?.(positions, 'key') ?? []]
        return rows.filter((row) => row.length).map((row) => reference.tensor(row, shape))
      }
    },
  },
  {
    name: 'throws for positions from maxPositions on, and not before',
    applies: ({ maxPositions }) => maxPositions !== undefined,
    run(strategy) {
      const parameters = variedParameters(strategy)
      const at = (position: number) => evaluateHooks(strategy, reference, parameters, Int32Array.of(position))
      at(strategy.maxPositions! - 1)
      try {
        at(strategy.maxPositions!)
      } catch (error) {
        if (error instanceof RangeError) return
        throw error
      }
      fail(`a RangeError at position ${strategy.maxPositions}`, 'a value')
    },
  },
]
