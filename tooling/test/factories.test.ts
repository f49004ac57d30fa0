// What every factory and function of core and the strategies says of arguments that are none, also to plain JavaScript.
import * as alibi from '@alibi/alibi'
import * as cope from '@alibi/cope'
import * as core from '@alibi/core'
import * as fire from '@alibi/fire'
import * as forgetting from '@alibi/forgetting'
import * as kerple from '@alibi/kerple'
import * as rotary from '@alibi/rotary'
import * as sandwich from '@alibi/sandwich'
import * as sinusoidal from '@alibi/sinusoidal'
import * as streaming from '@alibi/streaming'
import * as t5Bias from '@alibi/t5-bias'
import * as transformerXl from '@alibi/transformer-xl'
import { describe, expect, it } from 'vitest'

type Call = (...values: unknown[]) => unknown
const functionsOf = (...modules: object[]) =>
  modules.flatMap((each) =>
    Object.entries(each).filter((entry): entry is [string, Call] => typeof entry[1] === 'function'),
  )

const { alibi: alibiOf, alibiSlopes } = alibi
const strategies = functionsOf(
  alibi,
  cope,
  fire,
  forgetting,
  kerple,
  rotary,
  sandwich,
  sinusoidal,
  streaming,
  t5Bias,
  transformerXl,
)
const EXAMPLES: Readonly<Record<string, object>> = {
  alibi: { numHeads: 8 },
  cope: { numHeads: 8, headDim: 8 },
  fire: { numHeads: 8 },
  forgetting: { numHeads: 8, modelDim: 8 },
  kerple: { numHeads: 8 },
  rotary: { rotaryDim: 8 },
  irope: { rotaryDim: 8 },
  gemmaLocal: { rotaryDim: 8 },
  xPos: { rotaryDim: 8 },
  linearScaling: { factor: 2 },
  ntkScaling: { factor: 2 },
  llama3Scaling: { factor: 2 },
  yarnScaling: { factor: 2, originalMaxPositions: 64 },
  dynamicNtkScaling: { originalMaxPositions: 64 },
  longRopeScaling: { factor: 2, originalMaxPositions: 64, shortFactors: [1], longFactors: [2] },
  proportionalScaling: { proportion: 0.5 },
  sandwich: { numHeads: 8 },
  sinusoidal: { modelDim: 8 },
  learned: { modelDim: 8, maxPositions: 8 },
  t5Bias: { numHeads: 8 },
  windowed: { window: 8 },
  sinkLogit: { numHeads: 8 },
  transformerXl: { numHeads: 8, headDim: 8, modelDim: 8 },
  shaw: { numHeads: 8, headDim: 8 },
  deberta: { numHeads: 8, headDim: 8, modelDim: 8 },
}
const thrown = (run: () => unknown): Error => {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

describe.each(strategies)('%s', (name, call) => {
  it.each([[], [undefined], [null], ['8'], [[8]], [alibiOf], [Number.NaN]].map((given) => [given]))(
    'says what it expects of %o',
    (given) => {
      const error = thrown(() => call(...given))
      expect(error.message).toMatch(new RegExp(`^${name}: expected .+, got .+$`))
    },
  )
})

it('there is an example of every factory', () => {
  const others = ['t5Bucket', 'alibiSlopes', 'streaming', 'rotaryOptions']
  const factories = strategies.map(([name]) => name).filter((name) => !others.includes(name))
  expect(Object.keys(EXAMPLES).sort()).toEqual(factories.sort())
})

describe.each(Object.entries(EXAMPLES))('%s', (name, options) => {
  const make = Object.fromEntries(strategies)[name]!

  it('refuses an option that there is not, and names the nearest', () => {
    const [option] = Object.keys(options)
    const misspelt = `${option!.slice(0, -2)}${option!.at(-1)}${option!.at(-2)}`
    const { message } = thrown(() => make({ ...options, [misspelt]: 4 }))
    expect(message).toMatch(new RegExp(`^${name}: expected options .+, got ${misspelt}; did you mean ${option}\\?$`))
  })

  it('takes the sizes of a model, as the bench gives all of them to each', () => {
    const sizes = { numHeads: 8, headDim: 8, modelDim: 8, trainLength: 8 }
    expect(() => make({ ...sizes, ...options })).not.toThrow()
  })

  it('takes undefined as an option left out', () => {
    const left = Object.fromEntries(['base', 'scale', 'width', 'betaFast'].map((option) => [option, undefined]))
    const known = Object.entries(left).filter(([option]) => thrownBy(() => make({ ...options, [option]: 7 })) === '')
    expect(() => make({ ...options, ...Object.fromEntries(known) })).not.toThrow()
  })

  it('returns what cannot be changed, all the way down', () => {
    const made = make(options) as object
    expect(isFrozen(made)).toBe(true)
  })
})

const thrownBy = (run: () => unknown) => {
  try {
    run()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
const isFrozen = (value: object): boolean =>
  Object.isFrozen(value) &&
  Object.values(value).every((each) => typeof each !== 'object' || each === null || isFrozen(each))

const eight = alibiOf({ numHeads: 8 })
const { rotation } = rotary.rotary({ rotaryDim: 8 })
const table = t5Bias.t5Bias({ numHeads: 2 })
const at = (...positions: number[]) => Int32Array.from(positions)
const x = core.reference.tensor(new Float64Array(16), [2, 8])
const js = core as unknown as Readonly<Record<string, Call>>

it.each<[string, () => unknown, string]>([
  ['a misspelt maxBias', () => alibiOf({ numHeads: 8, maxBais: 4 } as never), 'got maxBais; did you mean maxBias?'],
  [
    'slopes and maxBias',
    () => alibiOf({ numHeads: 1, slopes: [1], maxBias: 4 }),
    'alibi: expected slopes or maxBias, got both',
  ],
  [
    'fixed slopes by layer',
    () => alibiOf({ numHeads: 1, perLayer: true }),
    'alibi: expected learned: true with perLayer',
  ],
  [
    'slopes that are none',
    () => alibiOf({ numHeads: 1, slopes: 'x' as never }),
    'alibi: expected 1 finite slopes ≥ 0, got []',
  ],
  [
    'heads that are a word',
    () => alibiOf({ numHeads: '8' as never }),
    'alibi: expected an integer numHeads ≥ 1, got string',
  ],
  [
    'a learned that is a word',
    () => alibiOf({ numHeads: 8, learned: 'no' as never }),
    'alibi: expected learned as true or false, got no',
  ],
  [
    'a slope count of null',
    () => alibiSlopes(null as never),
    'alibiSlopes: expected an integer numHeads ≥ 1, got null',
  ],
  [
    'strategies in an array',
    () => js.compose!([eight, eight]),
    'compose: expected a strategy, got an array; pass its strategies one by one',
  ],
  [
    'a factory that is not called',
    () => js.compose!(alibiOf),
    'compose: expected a strategy, got the function alibi; call it',
  ],
  [
    'another version',
    () => js.compose!({ specVersion: 2, name: 'x' }),
    'compose: expected a strategy of specVersion 1, got 2',
  ],
  [
    'a scaling with another number of frequencies',
    () => rotary.rotary({ rotaryDim: 8, scaling: { frequencies: () => [1, 0.1] } }),
    'rotary: expected 4 finite frequencies of the scaling, one a pair, got [1,0.1]',
  ],
  [
    'a scaling of NaN',
    () => rotary.rotary({ rotaryDim: 2, scaling: { frequencies: () => [Number.NaN] } }),
    'rotary: expected 1 finite freq',
  ],
  [
    'a scaling that is null',
    () => rotary.rotary({ rotaryDim: 2, scaling: null as never }),
    'rotary: expected scaling with frequencies, got null',
  ],
  [
    'a magnitude of 0',
    () => rotary.rotary({ rotaryDim: 2, scaling: { frequencies: () => [1], magnitude: 0 } }),
    'a finite scaling.magnitude > 0, got 0',
  ],
  [
    'a position for two tokens',
    () => core.rotate(core.reference, rotation, x, [2, 8], at(5), 'query'),
    'rotate: expected 2 positions for x of shape [2,8], got 1',
  ],
  [
    'no positions',
    () => js.rotate!(core.reference, rotation, x, [2, 8], undefined, 'query'),
    'rotate: expected 2 positions for x of shape [2,8], got undefined',
  ],
  [
    'another shape than x has',
    () => core.rotate(core.reference, rotation, x, [1, 16], at(5), 'query'),
    'rotate: expected x of shape [1,16], got [2,8]',
  ],
  [
    'features that are no tensor',
    () => js.rotate!(core.reference, rotation, new Float32Array(16), [2, 8], at(0, 1), 'query'),
    'rotate: expected x as a tensor of ops, got Float32Array; use rotateFeatures',
  ],
  [
    'a side that is none',
    () => core.rotate(core.reference, rotation, x, [2, 8], at(0, 1), 'both' as never),
    'rotationTables: expected side as one of query,key, got both',
  ],
  [
    'a strategy to rotate by',
    () => js.rotate!(core.reference, rotary.rotary({ rotaryDim: 8 }), x, [2, 8], at(0, 1), 'key'),
    'rotationTables: expected rotation with members',
  ],
  [
    'positions beyond int32',
    () => core.positionRange(2 ** 31, 3),
    'positionRange: expected positions ≤ 2³¹ − 1, got 2147483648 to 2147483650',
  ],
  [
    'positions without a length',
    () => js.positionRange!(3),
    'positionRange: expected an integer length ≥ 0, got undefined',
  ],
  ['a start of NaN', () => core.positionRange(Number.NaN, 2), 'positionRange: expected an integer start'],
  [
    'a start that is a word',
    () => js.positionRange!('3', 2),
    'positionRange: expected an integer start ≥ -2147483648, got string',
  ],
  [
    'a start of a half',
    () => core.positionRange(0.5, 3),
    'positionRange: expected an integer start ≥ -2147483648, got 0.5',
  ],
  ['a length below 0', () => core.positionRange(0, -1), 'positionRange: expected an integer length ≥ 0, got -1'],
  [
    'positions of fractions',
    () => js.scoreBias!(core.reference, eight.bias, {}, Float32Array.of(2.7), at(0)),
    'scoreBias: expected queries as integers of 32 bits, got 2.7',
  ],
  [
    'positions beyond int32 in an array',
    () => js.scoreBias!(core.reference, eight.bias, {}, [2 ** 31], [0]),
    'scoreBias: expected queries as integers of 32 bits, got 2147483648 at 0',
  ],
  [
    'a number as keys',
    () => js.scoreBias!(core.reference, eight.bias, {}, at(1), 4),
    'scoreBias: expected keys as an Int32Array, got 4',
  ],
  [
    'a strategy as a bias',
    () => js.scoreBias!(core.reference, eight, {}, at(1), at(0)),
    'scoreBias: expected a bias, got a strategy; pass its bias',
  ],
  [
    'no bias',
    () => js.scoreBias!(core.reference, undefined, {}, at(1), at(0)),
    'scoreBias: expected a bias, got undefined',
  ],
  [
    'no parameters for a bias that has some',
    () => core.scoreBias(core.reference, table.bias, {}, at(1), at(0)),
    'scoreBias: expected the parameter table, got none; make them: initialParameters',
  ],
  [
    'no parameters at all',
    () => js.scoreBias!(core.reference, table.bias, undefined, at(1), at(0)),
    'scoreBias: expected parameters by name, got undefined; pass {}',
  ],
  [
    'no tensor functions',
    () => js.scoreBias!(undefined, eight.bias, {}, at(1), at(0)),
    'scoreBias: expected tensor functions, e.g. reference, got undefined',
  ],
  [
    'a distance beyond int32',
    () =>
      core.scoreBias(
        core.reference,
        table.bias,
        { table: core.reference.tensor(new Float64Array(64), [32, 2]) },
        at(2 ** 31 - 1),
        at(-2),
      ),
    'scoreBias: expected distances within 32 bits, got 2147483649',
  ],
  [
    'a bucket of half a token',
    () => t5Bias.t5Bucket(1.5, { numBuckets: 32, maxDistance: 128, bidirectional: false }),
    't5Bucket: expected an integer distance',
  ],
  [
    'one bucket',
    () => t5Bias.t5Bucket(5, { numBuckets: 1, maxDistance: 128, bidirectional: false }),
    't5Bucket: expected an integer numBuckets ≥ 2, got 1',
  ],
  [
    'odd buckets for two sides',
    () => t5Bias.t5Bucket(-5, { numBuckets: 31, maxDistance: 128, bidirectional: true }),
    't5Bucket: expected an even numBuckets when bidirectional, got 31',
  ],
  [
    'a maxDistance among the exact buckets',
    () => t5Bias.t5Bucket(5, { numBuckets: 32, maxDistance: 16, bidirectional: false }),
    't5Bucket: expected an integer maxDistance ≥ 17, got 16',
  ],
  [
    'a start without its number',
    () => js.initialParameters!(core.reference, { w: { shape: [3], init: { kind: 'normal' } } }),
    'initialParameters: expected a finite init.standardDeviation of parameter w, got undefined',
  ],
  [
    'a start of another kind',
    () => js.initialParameters!(core.reference, { w: { shape: [3], init: { kind: 'uniforn' } } }),
    'as one of constant,normal,uniform,values, got uniforn; did you mean uniform?',
  ],
  [
    'a shape with a fraction',
    () => js.initialParameters!(core.reference, { w: { shape: [1.5], init: { kind: 'constant', value: 0 } } }),
    'a shape of sizes ≥ 1 of parameter w, got [1.5]',
  ],
  [
    'too few values',
    () => js.initialParameters!(core.reference, { w: { shape: [2], init: { kind: 'values', values: [1] } } }),
    '2 init.values of parameter w, got 1',
  ],
  [
    'a strategy as parameters',
    () => js.initialParameters!(core.reference, table),
    'initialParameters: expected parameter specVersion as an object, got 1',
  ],
  ['a seed of a half', () => core.initialParameters(core.reference, {}, 0.5), 'seededRandom: expected an integer seed'],
  [
    'no random numbers',
    () => js.initialValues!({ shape: [1], init: { kind: 'constant', value: 0 } }),
    'initialValues: expected a function random, got undefined',
  ],
  [
    'no values',
    () => js.biasTile!(eight),
    'biasTile: expected an object of options: queries, keys, parameters, got undefined',
  ],
  [
    'a bias tile of what has none',
    () => js.biasTile!(rotary.rotary({ rotaryDim: 8 }), { queries: at(0), keys: at(0) }),
    'biasTile: expected a strategy with a bias, got rotary, which has none',
  ],
  [
    'a bias tile of a factory',
    () => js.biasTile!(alibiOf, { queries: at(0), keys: at(0) }),
    'biasTile: expected a strategy, got the function alibi; call it',
  ],
  [
    'parameters that are not the strategy’s',
    () => core.biasTile(table, { queries: at(0), keys: at(0), parameters: { tables: [1] } }),
    'got tables; did you mean table?',
  ],
  [
    'parameters that are missing',
    () => core.biasTile(table, { queries: at(0), keys: at(0), parameters: {} }),
    'biasTile: expected the parameter table, got none',
  ],
  [
    'too few features',
    () => core.rotateFeatures(rotation, [1, 2], { headDim: 8, positions: at(0), side: 'key' }),
    'rotateFeatures: expected a multiple of 8 values, [..., 1, 8], got 2',
  ],
  [
    'features of what does not rotate',
    () => js.rotateFeatures!(eight, [1, 2], { headDim: 2, positions: at(0), side: 'key' }),
    'rotateFeatures: expected a strategy that rotates, got alibi, which does not',
  ],
  [
    'an unknown member',
    () => js.defineStrategy!({ name: 'x', biases: eight.bias }),
    'defineStrategy: expected strategy x with members',
  ],
  ['no definition', () => js.defineStrategy!(), 'defineStrategy: expected a strategy, got undefined'],
  [
    'positions beyond xPos’s',
    () =>
      core.rotateFeatures(rotary.xPos({ rotaryDim: 2 }), [1, 2], { headDim: 2, positions: at(36_300), side: 'key' }),
    'xPos: expected positions below 28328, got 36300; its factors leave fp32 there',
  ],
  [
    'a scaleBase far below a token',
    () => rotary.xPos({ rotaryDim: 2, scaleBase: 1e-3 }),
    'xPos: expected a scaleBase of at least a token, got 0.001',
  ],
])('refuses %s', (_what, run, message) => {
  expect(thrown(run).message).toContain(message)
})

it('every function of core says what it expects when it is given nothing', () => {
  const rest = [
    'compose',
    'none',
    'fail',
    'checkInteger',
    'checkPositive',
    'checkBoolean',
    'checkOneOf',
    'checkOptions',
  ]
  for (const [name, call] of functionsOf(core).filter(([each]) => !rest.includes(each))) {
    const { message } = thrown(() => call())
    expect(message, name).toMatch(/^(\w+|undefined): expected .+, got .+$/)
  }
})

it.each(Object.entries(core.reference) as [string, Call][])('reference.%s says what it expects', (name, call) => {
  for (const given of [[], [new Float64Array(4)], [[1, 2], [2]].slice(name === 'tensor' ? 2 : 0)])
    expect(thrown(() => call(...given)).message).toMatch(/^\w+: expected .+, got .+$/)
})

it('takes integers in plain arrays as positions', () => {
  const tile = js.scoreBias!(core.reference, eight.bias, {}, [3], [0, 1]) as core.ReferenceTensor
  expect([...tile.data.slice(0, 2)]).toEqual([-1.5, -1])
})
