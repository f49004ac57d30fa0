import { conformanceCases } from '@alibi/core/conformance'
import { describe, expect, it } from 'vitest'
import { builtInStrategies, type StrategyModel } from '../src/index.js'

const model = { numHeads: 2, modelDim: 8, trainLength: 16 }
const make = (use: string, options: Readonly<Record<string, number | boolean | string>> = {}) => {
  const variants: StrategyModel['variants'] = { it: { use, options } }
  return builtInStrategies.make('it', { ...model, variants })
}

describe.each(['forgetting', 'transformer-xl', 'shaw', 'deberta', 'cope', 'irope', 'gemma-local', 'streaming'])(
  '%s, by its name',
  (use) => {
    const options = use === 'cope' ? { maxPosition: 6 } : {}
    for (const { name, run } of conformanceCases(() => make(use, options))) it(name, run)
  },
)

it('has options by their names', () => {
  expect(make('forgetting', { slopes: 'alibi' }).parameters!.b!.init.kind).toBe('values')
  expect(make('deberta').parameters!.table!.shape).toEqual([32, 8])
  expect(make('gemma-local', { localLayers: 1 }).layers!.map(({ visibility }) => visibility?.window)).toEqual([
    4,
    undefined,
  ])
  expect(make('streaming', { of: 'alibi', window: 8 })).toMatchObject({
    bias: { kind: 'linear' },
    visibility: { window: 8, sinks: 4 },
  })
  expect(make('rotary', { scaling: 'dynamic' }).rotation!.cacheable).toBe(false)
  expect(make('rotary', { scaling: 'proportional', proportion: 0.5 }).rotation!.angles(Int32Array.of(1))).toEqual(
    Float64Array.of(1, 0),
  )
})

it.each([
  [{ factor: 2 }, 'scaling and factor together'],
  [{ scaling: 'yarn' }, 'scaling and factor together'],
  [{ scaling: 'proportional' }, 'scaling=proportional and proportion together'],
  [{ scaling: 'linear', factor: 2, proportion: 0.5 }, 'scaling=proportional and proportion together'],
])('refuses %j of rotary', (options, message) => {
  expect(() => make('rotary', options)).toThrow(message)
})
