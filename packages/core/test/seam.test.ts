import { describe, expect, it } from 'vitest'
import {
  checkStrategy,
  compose,
  type DistanceBias,
  initialParameters,
  none,
  reference as ops,
  type PositionStrategy,
  positionRange,
  rotate,
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

  it('refuses more features than a head has', () => {
    const x = ops.tensor([1], [1, 1])
    expect(() => rotate(ops, rotation('half'), x, [1, 1], positionRange(0, 1), 'key')).toThrow(
      'rotaryDim ≤ headDim 1, got 2',
    )
  })
})

describe('compose', () => {
  const embedding = (name: string): PositionStrategy => ({
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
    expect([...both.embedding!.evaluate(ops, parameters, Int32Array.of(5)).data]).toEqual([3, 4])
  })

  it('keeps the kind of a single bias and adds several', () => {
    const one: PositionStrategy = { specVersion: 1, name: 'square', bias: square }
    expect(compose(one, none()).bias!.kind).toBe('distance')
    const two = compose(one, { ...one, name: 'again' }).bias!
    expect([...scoreBias(ops, two, {}, Int32Array.of(3), Int32Array.of(1)).data]).toEqual([-8])
  })

  it('refuses parts with one name', () => {
    expect(() => compose(none(), none())).toThrow('distinct names')
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
