import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type BiasStrategy,
  type DistanceBias,
  defineStrategy,
  type ParameterValues,
  type PositionStrategy,
  type TensorOps,
} from '../src/index.js'

const logBias = (numHeads: number) =>
  defineStrategy({
    name: 'log-bias',
    parameters: { scale: { shape: [numHeads, 1], init: { kind: 'values', values: Array(numHeads).fill(1) } } },
    parameterScope: 'layer',
    bias: {
      kind: 'distance',
      numHeads,
      evaluate(ops, { scale }, distances) {
        expectTypeOf(distances).toEqualTypeOf<Int32Array>()
        return ops.mul(scale!, ops.tensor(distances, [1, distances.length]))
      },
    },
  })

describe('defineStrategy', () => {
  it('fills in the version and keeps the type of each hook, without `as const`', () => {
    const made = logBias(2)
    expect(made.specVersion).toBe(1)
    expectTypeOf(made).toExtend<PositionStrategy>()
    expectTypeOf(made).toExtend<BiasStrategy<DistanceBias>>()
    expectTypeOf(made.bias.kind).toEqualTypeOf<'distance'>()
    expectTypeOf(made.name).toEqualTypeOf<'log-bias'>()
    expectTypeOf(made.bias.evaluate).toExtend<
      <T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array) => T
    >()
  })

  it('freezes all that is declared', () => {
    const { parameters, bias } = logBias(2)
    for (const each of [parameters, parameters.scale, parameters.scale.shape, parameters.scale.init, bias])
      expect(Object.isFrozen(each)).toBe(true)
    expect(Object.isFrozen((parameters.scale.init as { values: number[] }).values)).toBe(true)
  })

  it('takes a made strategy under another name', () => {
    const renamed = defineStrategy({ ...logBias(2), name: 'other' })
    expect(renamed).toMatchObject({ specVersion: 1, name: 'other', parameterScope: 'layer' })
  })

  it('refuses a misspelt member, in its type and when it runs', () => {
    const { bias } = logBias(1)
    // @ts-expect-error: no member of a strategy
    expect(() => defineStrategy({ name: 'x', biases: bias })).toThrow('got biases; did you mean bias?')
    // @ts-expect-error: no member of a bias
    expect(() => defineStrategy({ name: 'x', bias: { ...bias, numheads: 1 } })).toThrow('did you mean numHeads?')
    // @ts-expect-error: no scope
    expect(() => defineStrategy({ name: 'x', parameterScope: 'head' })).toThrow('parameterScope as one of model,layer')
    // @ts-expect-error: no kind
    expect(() => defineStrategy({ name: 'x', bias: { ...bias, kind: 'log' } })).toThrow(
      'linear, distance or pair, got log',
    )
    // @ts-expect-error: no name
    expect(() => defineStrategy({ bias })).toThrow('a strategy with a name, got undefined')
    // @ts-expect-error: another version
    expect(() => defineStrategy({ specVersion: 2, name: 'x' })).toThrow('specVersion 1, got 2')
    const parameters = { w: { shape: [1], init: { kind: 'zeros' } } }
    // @ts-expect-error: no kind of start
    expect(() => defineStrategy({ name: 'x', parameters })).toThrow(
      'init.kind of parameter w as one of constant,normal,uniform,values, got zeros',
    )
    const typed = { w: { shape: [1], init: { kind: 'values', values: Float64Array.of(1) } } }
    expect(() => defineStrategy({ name: 'x', parameters: typed as never })).toThrow(
      'as a plain array, got Float64Array; use Array.from',
    )
  })
})

it('needs no annotations where a strategy is expected', () => {
  const strategy: PositionStrategy = defineStrategy({
    name: 'off-by-one',
    sink: { numHeads: 1, evaluate: (ops) => ops.tensor([0], [1]) },
  })
  expect(strategy.sink?.numHeads).toBe(1)
})
