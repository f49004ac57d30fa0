// Laws that hold whatever the lengths, offsets, heads and number formats: fast-check looks for a counterexample.
import { alibi } from '@alibi/alibi'
import {
  initialParameters,
  type PositionStrategy,
  positionRange,
  type ReferenceTensor,
  type Rotation,
  reference,
  rotate,
  scoreBias,
  type TensorOps,
} from '@alibi/core'
import { fire } from '@alibi/fire'
import { kerple } from '@alibi/kerple'
import { rotary, xPos } from '@alibi/rotary'
import { sandwich } from '@alibi/sandwich'
import { learned, sinusoidal } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'
import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tfOps } from '../src/index.js'

const END = 4096
const numHeads = fc.integer({ min: 1, max: 20 })
const evenDim = fc.integer({ min: 1, max: 16 }).map((half) => 2 * half)
const pairing = fc.constantFrom('half' as const, 'interleaved' as const)

/** Every strategy, of any size. */
const strategies: Record<string, fc.Arbitrary<PositionStrategy>> = {
  alibi: fc.record({ numHeads, learned: fc.boolean(), scale: fc.double({ min: 0.1, max: 4, noNaN: true }) }).map(alibi),
  'alibi, nonsymmetric': numHeads.map((n) => alibi({ numHeads: 2 * n, direction: 'nonsymmetric' })),
  't5-bias': fc.record({ numHeads, bidirectional: fc.boolean(), perLayer: fc.boolean() }).map(t5Bias),
  // Not its powers: to round an exponent moves 4096² by much more than a rounding.
  kerple: fc.record({ numHeads, perLayer: fc.boolean() }).map(kerple),
  fire: fc.record({ numHeads, width: fc.integer({ min: 1, max: 32 }), perLayer: fc.boolean() }).map(fire),
  sandwich: fc.record({ numHeads, width: evenDim }).map(sandwich),
  sinusoidal: fc
    .record({
      modelDim: evenDim.map((dim) => dim + 2),
      layout: fc.constantFrom('vaswani' as const, 'fairseq' as const),
    })
    .map(sinusoidal),
  learned: evenDim.map((modelDim) => learned({ modelDim, maxPositions: END })),
  rotary: fc.record({ rotaryDim: evenDim, pairing, base: fc.integer({ min: 10, max: 500_000 }) }).map(rotary),
  xPos: fc.record({ rotaryDim: evenDim, pairing }).map(xPos),
}

/** Those that read positions, not distances alone. */
const absolute = ['sinusoidal', 'learned', 'fire']

/** Some queries and keys anywhere: a tile of consecutive ones, or packed documents that jump. */
const somePositions = fc.oneof(
  fc
    .record({ start: fc.nat(END - 9), length: fc.integer({ min: 1, max: 8 }) })
    .map(({ start, length }) => positionRange(start, length)),
  fc.array(fc.nat(END - 1), { minLength: 1, maxLength: 8 }).map((positions) => Int32Array.from(positions)),
)
/** A row of features for each token. */
const features = (tokens: Int32Array, width: number) =>
  Array.from(tokens).flatMap((token) => Array.from({ length: width }, (_, i) => Math.sin(1.3 * (token * width + i))))

/** All that a strategy computes for these positions, in tensors of any library. `offset`: of positions from tokens. */
function compute<T>(
  ops: TensorOps<T>,
  strategy: PositionStrategy,
  queries: Int32Array,
  keys: Int32Array,
  offset = 0,
): T[] {
  const { embedding, rotation, bias } = strategy
  const parameters = initialParameters(ops, strategy.parameters, 5)
  const turned = (rotation: Rotation, positions: Int32Array, side: 'query' | 'key') => {
    const shape = [positions.length, rotation.rotaryDim + 2]
    const tokens = positions.map((p) => p - offset)
    return rotate(ops, rotation, ops.tensor(features(tokens, shape[1]!), shape), shape, positions, side)
  }
  return [
    ...(embedding ? [embedding.evaluate(ops, parameters, queries)] : []),
    ...(bias ? [scoreBias(ops, bias, parameters, queries, keys)] : []),
    ...(rotation
      ? [ops.matmul(turned(rotation, queries, 'query'), ops.transpose(turned(rotation, keys, 'key'), [1, 0]))]
      : []),
  ]
}

/** The reference with every result rounded: as a library with numbers of that format computes. */
function rounded(round: (x: number) => number): TensorOps<ReferenceTensor> {
  const after = (tensor: ReferenceTensor) => ({ shape: tensor.shape, data: tensor.data.map(round) })
  const entries = Object.entries(reference).map(([name, op]) => [
    name,
    (...args: unknown[]) => after((op as (...all: unknown[]) => ReferenceTensor)(...args)),
  ])
  return Object.fromEntries(entries) as TensorOps<ReferenceTensor>
}
/** Eight bits of fraction, to nearest: what training in half precision keeps of an fp32 number. */
const bfloat16 = (x: number): number => {
  const bits = new DataView(new ArrayBuffer(4))
  bits.setFloat32(0, x)
  const upper = bits.getUint32(0)
  bits.setUint32(0, (upper + 0x7fff + ((upper >>> 16) & 1)) & 0xffff0000)
  return Number.isFinite(x) ? bits.getFloat32(0) : x
}

/** Values that share one scale: rounding errors of some are errors of all that they are added to. */
const scale = (data: ArrayLike<number>) => Math.max(1, ...Array.from(data, Math.abs))

/** In a row at most: a few operations; sums over the features of a head. */
const roundings = ({ rotation }: PositionStrategy) => (rotation ? 64 : 16)

describe.each(Object.keys(strategies))('%s', (name) => {
  const strategy = strategies[name]!

  it('computes a token’s row and a pair’s value whatever the others in the call', () => {
    fc.assert(
      fc.property(strategy, somePositions, somePositions, (made, queries, keys) => {
        const whole = compute(reference, made, queries, keys)
        const [q, k] = [queries.length - 1, keys.length - 1]
        const alone = compute(reference, made, queries.subarray(q), keys.subarray(k))
        whole.forEach((all, i) => {
          const last = reference.gather(all, Int32Array.of(all.shape.at(-2)! - 1), all.shape.length - 2)
          const isRows = made.embedding !== undefined && i === 0
          const want = isRows ? last : reference.gather(last, Int32Array.of(k), all.shape.length - 1)
          expect([...alone[i]!.data]).toEqual([...want.data])
        })
      }),
      { numRuns: 40 },
    )
  })

  if (!absolute.includes(name))
    it('is the same any number of tokens later', () => {
      fc.assert(
        fc.property(strategy, somePositions, somePositions, fc.nat(100_000), (made, queries, keys, any) => {
          // xPos ends at a position.
          const offset = made.maxPositions ? any % (made.maxPositions - END) : any
          const later = (positions: Int32Array) => positions.map((p) => p + offset)
          const [now, then] = [
            compute(reference, made, queries, keys),
            compute(reference, made, later(queries), later(keys), offset),
          ]
          // Cosines of angles up to 1e5 have 1e5·2⁻⁵² of error, xPos's magnitudes more.
          now.forEach((want, i) => {
            const tolerance = made.rotation ? 1e-8 * scale(want.data) : 0
            want.data.forEach((value, at) => {
              expect(Math.abs(then[i]!.data[at]! - value)).toBeLessThanOrEqual(tolerance)
            })
          })
        }),
        { numRuns: 40 },
      )
    })

  it.each([
    ['fp32', rounded(Math.fround), 2 ** -24],
    ['bfloat16', rounded(bfloat16), 2 ** -9],
  ] as const)('computes in %s what it does in float64, to its precision', (_format, ops, epsilon) => {
    fc.assert(
      fc.property(strategy, somePositions, somePositions, (made, queries, keys) => {
        const want = compute(reference, made, queries, keys)
        compute(ops, made, queries, keys).forEach(({ shape, data }, i) => {
          expect(shape).toEqual(want[i]!.shape)
          const tolerance = roundings(made) * epsilon * scale(want[i]!.data)
          data.forEach((value, at) => {
            expect(Math.abs(value - want[i]!.data[at]!)).toBeLessThanOrEqual(tolerance)
          })
        })
      }),
      { numRuns: 30 },
    )
  })

  it('computes with TensorFlow.js what it does in float64', async () => {
    await tf.setBackend('cpu')
    fc.assert(
      fc.property(strategy, somePositions, somePositions, (made, queries, keys) => {
        const want = compute(reference, made, queries, keys)
        tf.tidy(() => {
          compute(tfOps, made, queries, keys).forEach((tensor, i) => {
            expect(tensor.shape).toEqual(want[i]!.shape)
            const tolerance = roundings(made) * 2 ** -24 * scale(want[i]!.data)
            tensor.dataSync().forEach((value, at) => {
              expect(Math.abs(value - want[i]!.data[at]!)).toBeLessThanOrEqual(tolerance)
            })
          })
        })
      }),
      { numRuns: 20 },
    )
  })
})
