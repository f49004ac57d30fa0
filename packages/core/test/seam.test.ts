import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  biasTile,
  checkStrategy,
  compose,
  type DistanceBias,
  defineStrategy,
  type Embedding,
  type EmbeddingStrategy,
  initialParameters,
  type LinearBias,
  none,
  reference as ops,
  type PairBias,
  positionRange,
  rotate,
  rotateFeatures,
  type ScoreBias,
  scopeOf,
  scoreBias,
} from '../src/index.js'
import { pairDistances } from '../src/positions.js'

/** Distance d costs d², d negative (ahead) costs −d. */
const square: DistanceBias = {
  kind: 'distance',
  numHeads: 1,
  evaluate: (ops, _parameters, distances) =>
    ops.tensor(
      Array.from(distances, (d) => (d < 0 ? -d : -d * d)),
      [1, distances.length],
    ),
}

describe('scoreBias', () => {
  it('states distance biases for pairs, at any positions', () => {
    const tile = scoreBias(ops, square, {}, Int32Array.of(7, 2), Int32Array.of(4, 9))
    expect(tile.shape).toEqual([1, 2, 2])
    expect([...tile.data]).toEqual([-9, 2, 2, 7])
  })

  it('gives tiles that are slices of the whole', () => {
    const whole = scoreBias(ops, square, {}, positionRange(0, 5), positionRange(0, 5))
    const tile = scoreBias(ops, square, {}, positionRange(2, 2), positionRange(1, 3))
    expect([...tile.data]).toEqual([2, 3].flatMap((q) => [1, 2, 3].map((k) => whole.data[q * 5 + k]!)))
  })
})

describe('biasTile', () => {
  const scaled = defineStrategy({
    name: 'scaled',
    parameters: { scale: { shape: [1, 1], init: { kind: 'constant', value: 2 } } },
    bias: {
      kind: 'distance',
      numHeads: 1,
      evaluate: (ops, { scale }, distances) => ops.mul(scale!, ops.tensor(distances, [1, distances.length])),
    },
  })
  const places = { queries: positionRange(3, 1), keys: positionRange(0, 4) }

  it('is the bias in plain numbers, at the starting values or at those given', () => {
    expect(biasTile(scaled, places)).toEqual(Float32Array.of(6, 4, 2, 0))
    expect(biasTile(scaled, { ...places, parameters: { scale: [3] } })).toEqual(Float32Array.of(9, 6, 3, 0))
    expect(biasTile(square, places)).toEqual(Float32Array.of(-9, -4, -1, -0))
  })

  it('refuses parameters of another size, and a bias without those it reads', () => {
    expect(() => biasTile(scaled, { ...places, parameters: { scale: [1, 2] } })).toThrow(
      'expected 1 values for [1,1], got 2',
    )
    expect(() => biasTile(scaled.bias, places)).toThrow('scoreBias: expected the parameter scale, got none')
  })
})

describe('rotate', () => {
  const rotation = (pairing: 'half' | 'interleaved') => ({
    rotaryDim: 2,
    pairing,
    cacheable: true,
    angles: (positions: Int32Array) => Float64Array.from(positions, (p) => (p * Math.PI) / 2),
  })

  it.each(['half', 'interleaved'] as const)('turns pairs and passes the rest through (%s)', (pairing) => {
    const x = ops.tensor([1, 0, 5, 1, 0, 5], [2, 3])
    const turned = rotate(ops, rotation(pairing), x, [2, 3], positionRange(0, 2), 'query')
    const want = [1, 0, 5, 0, 1, 5]
    turned.data.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 12)
    })
  })

  it.each(['half', 'interleaved'] as const)(
    'turns plain numbers the same way, and leaves them alone (%s)',
    (pairing) => {
      const x = Float32Array.from({ length: 2 * 2 * 3 }, (_, i) => i - 4)
      const before = [...x]
      const positions = positionRange(1, 2)
      const want = rotate(ops, rotation(pairing), ops.tensor(x, [2, 2, 3]), [2, 2, 3], positions, 'key').data
      const got = rotateFeatures(rotation(pairing), x, { headDim: 3, positions, side: 'key' })
      expect(got).toEqual(Float32Array.from(want))
      expect([...x]).toEqual(before)
      const strategy = defineStrategy({ name: 'turn', rotation: rotation(pairing) })
      expect(rotateFeatures(strategy, x, { headDim: 3, positions, side: 'key' })).toEqual(got)
    },
  )

  it('refuses more features than a head has', () => {
    const x = ops.tensor([1], [1, 1])
    expect(() => rotate(ops, rotation('half'), x, [1, 1], positionRange(0, 1), 'key')).toThrow(
      'rotaryDim ≤ headDim 1, got 2',
    )
  })
})

describe('compose', () => {
  const embedding = (name: string): EmbeddingStrategy => ({
    specVersion: 1,
    name,
    parameters: { row: { shape: [1, 2], init: { kind: 'values', values: [name.length, 2] } } },
    embedding: {
      modelDim: 2,
      evaluate: (ops, { row }, positions) =>
        ops.gather(
          row!,
          positions.map(() => 0),
          0,
        ),
    },
  })

  it('adds embeddings, each with its own parameters', () => {
    const both = compose(embedding('a'), embedding('bc'))
    expect(Object.keys(both.parameters!)).toEqual(['a.row', 'bc.row'])
    const parameters = initialParameters(ops, both.parameters)
    expect([...both.embedding.evaluate(ops, parameters, Int32Array.of(5)).data]).toEqual([3, 4])
  })

  const [linear, distance, pair] = [
    { kind: 'linear', numHeads: 1, slopes: (ops) => ops.tensor([0.5], [1]) } satisfies LinearBias as LinearBias,
    square,
    {
      kind: 'pair',
      numHeads: 1,
      evaluate: (ops, _parameters, queries, keys) =>
        ops.tensor(
          Array.from(queries).flatMap((q) => Array.from(keys, (k) => q + k)),
          [1, queries.length, keys.length],
        ),
    } satisfies PairBias as PairBias,
  ]
  it.each<[string, ScoreBias[], string, number]>([
    ['one of distances', [distance], 'distance', -4],
    ['two linear', [linear, linear], 'linear', -2],
    ['linear and distance', [linear, distance], 'distance', -5],
    ['two of distances', [distance, distance], 'distance', -8],
    ['linear and pair', [linear, pair], 'pair', 3],
    ['all three', [distance, pair, linear], 'pair', -1],
  ])('sums biases of the most specific kind: %s', (_what, biases, kind, want) => {
    const parts = biases.map((bias, i) => defineStrategy({ name: `part${i}`, bias }))
    const { bias } = compose(none(), ...parts)
    expect(bias.kind).toBe(kind)
    expect([...scoreBias(ops, bias, {}, Int32Array.of(3), Int32Array.of(1)).data]).toEqual([want])
    expect([...biasTile(compose(...parts), { queries: Int32Array.of(3), keys: Int32Array.of(1) })]).toEqual([want])
  })

  it('combines parameters of the model with those of each layer', () => {
    const layered = defineStrategy({ ...embedding('b'), parameterScope: 'layer' })
    const both = compose(embedding('a'), layered)
    expect(both.parameterScope).toBeUndefined()
    expect(['a.row', 'b.row'].map((name) => scopeOf(both, name))).toEqual(['model', 'layer'])
    expect(() => scopeOf(both, 'row')).toThrow('scopeOf: expected a parameter of a.row,b.row, got row')
    const nested = compose(both, embedding('c'))
    expect(Object.keys(nested.parameters!).map((name) => scopeOf(nested, name))).toEqual(['model', 'layer', 'model'])
    // Where all agree, as one part alone says it.
    expect(compose(layered, { ...layered, name: 'd' })).toMatchObject({
      parameterScope: 'layer',
      parameters: { 'b.row': { shape: [1, 2] }, 'd.row': { shape: [1, 2] } },
    })
  })

  it('has the hooks that its parts have, also in its type', () => {
    expectTypeOf(compose(embedding('a')).embedding).toEqualTypeOf<Embedding>()
    expectTypeOf(compose(none()).bias).toEqualTypeOf<ScoreBias | undefined>()
    expectTypeOf(compose(none(), defineStrategy({ name: 'x', bias: square })).bias).toExtend<ScoreBias>()
  })

  it('refuses parts with one name, of different widths or numbers of heads, or that both rotate', () => {
    expect(() => compose(none(), none())).toThrow('compose: expected distinct names, got none, none')
    const wide = defineStrategy({ name: 'wide', bias: { ...square, numHeads: 2 } })
    expect(() => compose(defineStrategy({ name: 'x', bias: square }), wide)).toThrow(
      'one numHeads, got several of x, wide',
    )
  })
})

it('knows positions', () => {
  expect([...positionRange(3, 2)]).toEqual([3, 4])
  expect([...pairDistances(Int32Array.of(5), Int32Array.of(1, 7))]).toEqual([4, -2])
})

it.each<[unknown, string]>([
  [{ specVersion: 2, name: 'x' }, 'a strategy of specVersion 1, got 2; update @alibi/core'],
  [{ name: 'x' }, 'a strategy of specVersion 1, got undefined; make one with its factory'],
  [undefined, 'f: expected a strategy, got undefined'],
  [null, 'f: expected a strategy, got null'],
  ['alibi', 'f: expected a strategy, got alibi'],
  [[none()], 'f: expected a strategy, got an array; pass its strategies one by one'],
  [none, 'f: expected a strategy, got the function none; call it'],
  [Promise.resolve(none()), 'f: expected a strategy, got a promise; await it'],
  [{ specVersion: 1, name: '' }, "a strategy with a name, got ''"],
  [{ specVersion: 1, name: 8 }, 'a strategy with a name, got number'],
  [{ specVersion: 1, name: 'x', biases: square }, 'got biases; did you mean bias?'],
  [
    { specVersion: 1, name: 'x', bias: { ...square, slope: 1 } },
    'a distance bias with members kind, numHeads, evaluate',
  ],
  [{ specVersion: 1, name: 'x', bias: { ...square, kind: 'lineal' } }, 'linear, distance or pair, got lineal'],
  [{ specVersion: 1, name: 'x', bias: null }, 'a bias, got null'],
  [{ specVersion: 1, name: 'x', parameterScope: 'head' }, 'parameterScope as one of model,layer, got head'],
  [{ specVersion: 1, name: 'x', maxPositions: 0.5 }, 'an integer maxPositions ≥ 1, got 0.5'],
])('checkStrategy refuses %o', (value, message) => {
  expect(() => checkStrategy('f', value)).toThrow(message)
})
