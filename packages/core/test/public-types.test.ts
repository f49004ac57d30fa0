// What people's code may rely on. Types are checked by tsc (`npm test`: Types); values by running it.
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as conformance from '../src/conformance/index.js'
import type {
  BiasStrategy,
  DistanceBias,
  Embedding,
  LinearBias,
  PairBias,
  ParameterSpec,
  ParameterValues,
  PositionStrategy,
  Positions,
  ReferenceTensor,
  Rotation,
  ScoreBias,
  TensorOps,
} from '../src/index.js'
import * as core from '../src/index.js'

it('has these values, and no others', () => {
  expect(Object.keys(core).sort()).toEqual([
    'attentionScores',
    'attentionWeights',
    'biasTile',
    'byLayer',
    'checkBoolean',
    'checkInteger',
    'checkOneOf',
    'checkOptions',
    'checkPositive',
    'checkStrategy',
    'compose',
    'defineStrategy',
    'fail',
    'initialParameters',
    'initialValues',
    'isVisible',
    'layerStrategy',
    'none',
    'positionRange',
    'reference',
    'rotate',
    'rotateFeatures',
    'rotationTables',
    'scopeOf',
    'scoreBias',
    'seededRandom',
    'trainedRotationTables',
  ])
  expect(Object.keys(conformance)).toEqual(['conformanceCases'])
})

describe('a strategy', () => {
  it('needs a version and a name, and nothing else', () => {
    const nothing = { specVersion: 1, name: 'nothing' } as const
    expectTypeOf(nothing).toExtend<PositionStrategy>()
    expectTypeOf<PositionStrategy['specVersion']>().toEqualTypeOf<1>()
    expectTypeOf<{ specVersion: 2; name: string }>().not.toExtend<PositionStrategy>()
    expectTypeOf<{ specVersion: 1 }>().not.toExtend<PositionStrategy>()
  })

  it('cannot be changed once it is made', () => {
    const made: PositionStrategy = core.none()
    expect(() => {
      // @ts-expect-error: readonly
      made.name = 'other'
    }).toThrow(TypeError)
  })

  it('is written without annotations inside: hooks know their arguments', () => {
    const made: BiasStrategy = {
      specVersion: 1,
      name: 'half-distance',
      bias: {
        kind: 'distance',
        numHeads: 1,
        evaluate(ops, parameters, distances) {
          expectTypeOf(distances).toEqualTypeOf<Int32Array>()
          expectTypeOf(parameters).toEqualTypeOf<ParameterValues<ReturnType<typeof ops.neg>>>()
          return ops.neg(ops.tensor(distances, [1, distances.length]))
        },
      },
    }
    expect(core.scoreBias(core.reference, made.bias, {}, Int32Array.of(2), Int32Array.of(0, 1)).data).toEqual(
      Float64Array.of(-2, -1),
    )
  })
})

describe('hooks', () => {
  it('have these forms', () => {
    expectTypeOf<PositionStrategy['embedding']>().toEqualTypeOf<Embedding | undefined>()
    expectTypeOf<PositionStrategy['rotation']>().toEqualTypeOf<Rotation | undefined>()
    expectTypeOf<PositionStrategy['bias']>().toEqualTypeOf<ScoreBias | undefined>()
    expectTypeOf<ScoreBias>().toEqualTypeOf<LinearBias | DistanceBias | PairBias>()
    expectTypeOf<ScoreBias['kind']>().toEqualTypeOf<'linear' | 'distance' | 'pair'>()
    expectTypeOf<Positions>().toEqualTypeOf<Int32Array>()
    expectTypeOf<Rotation['angles']>().toEqualTypeOf<(positions: Positions, length?: number) => Float64Array>()
    expectTypeOf<Rotation['pairing']>().toEqualTypeOf<'interleaved' | 'half'>()
    expectTypeOf<PositionStrategy['parameters']>().toEqualTypeOf<Readonly<Record<string, ParameterSpec>> | undefined>()
    expectTypeOf<ParameterSpec['init']['kind']>().toEqualTypeOf<'constant' | 'normal' | 'uniform' | 'values'>()
  })

  it('are told apart by their kind', () => {
    const slopesOf = (bias: ScoreBias) => {
      if (bias.kind === 'linear') return bias.slopes(core.reference, {})
      expectTypeOf(bias).toEqualTypeOf<DistanceBias | PairBias>()
      return undefined
    }
    expectTypeOf(slopesOf).returns.toEqualTypeOf<ReferenceTensor | undefined>()
  })

  it('stay with one kind of tensor', () => {
    const foreign = core.reference as unknown as TensorOps<string>
    expectTypeOf(core.scoreBias<string>).returns.toEqualTypeOf<string>()
    expectTypeOf(core.initialParameters(foreign)).toEqualTypeOf<ParameterValues<string>>()
    expectTypeOf(core.scoreBias<string>)
      .parameter(2)
      .toEqualTypeOf<ParameterValues<string>>()
    expectTypeOf<ParameterValues<ReferenceTensor>>().not.toExtend<ParameterValues<string>>()
  })
})

it('a tensor library needs these twenty-three operations', () => {
  const names = [
    ...[
      'abs',
      'add',
      'cos',
      'cumulativeSum',
      'div',
      'exp',
      'gather',
      'interpolate',
      'log1p',
      'logSigmoid',
      'matmul',
      'maximum',
      'mul',
    ],
    ...['neg', 'pow', 'relu', 'reshape', 'sigmoid', 'sin', 'sub', 'sum', 'tensor', 'transpose'],
  ]
  expect(Object.keys(core.reference).sort()).toEqual(names)
  expectTypeOf<keyof TensorOps<unknown>>().toEqualTypeOf<
    | ('abs' | 'add' | 'cos' | 'cumulativeSum' | 'div' | 'exp' | 'gather' | 'interpolate' | 'log1p' | 'logSigmoid')
    | ('matmul' | 'maximum' | 'mul' | 'neg' | 'pow' | 'relu' | 'reshape' | 'sigmoid' | 'sin' | 'sub' | 'sum' | 'tensor')
    | 'transpose'
  >()
})

it('a case can run in any test framework', () => {
  const [first] = conformance.conformanceCases(() => core.none(), {
    bias: (head, query, key) => -head * (query - key),
  })
  expectTypeOf(first!.run).toEqualTypeOf<() => void | Promise<void>>()
  expectTypeOf(first!.name).toEqualTypeOf<string>()
  expectTypeOf(conformance.conformanceCases).parameter(0).toEqualTypeOf<PositionStrategy | (() => PositionStrategy)>()
})
