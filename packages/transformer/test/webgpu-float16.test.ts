// Queries, keys and values in float16: how they are stored, and who takes them.
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import { attention } from '../src/kernels/attention/attention.js'
import { toHalf } from '../src/kernels/webgpu/half.js'
import { named, unavailable } from './fused-cases.js'
import { normal, prepare, toFloat16 } from './kernel-cases.js'

/** IEEE 754 binary16. */
const fromBits = (bits: number) => {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction)
}

describe.skipIf(unavailable)(named('storage as float16'), () => {
  it('stores what it is given as a float16 next to it, in half the memory', async () => {
    const numbers = [0, 1, -2, 1 / 3, 1e-4, 65504, 2049, 2051, ...normal(56)]
    const x = tf.tensor(numbers, [2, 1, 4, 8]) as tf.Tensor4D
    const before = tf.memory().numBytes
    const stored = toHalf(x)
    expect(tf.memory().numBytes - before).toBe(numbers.length * 2)
    const words = new Uint16Array((await stored.data()).buffer)
    for (const [i, x] of numbers.entries()) {
      const got = fromBits(words[i]!)
      expect(got).toBe(toFloat16(got))
      expect(Math.abs(got - x), `${x}`).toBeLessThanOrEqual(toFloat16(x) === x ? 0 : 2 ** -10 * Math.abs(x))
    }
    const beyond = await toHalf(tf.tensor([1, 2, 3, 65520])).data()
    expect(Array.from(new Uint16Array(beyond.buffer), fromBits)).toEqual(Array(4).fill(Number.NaN))
  })

  it('refuses to store as float16 what it does not compute', () => {
    const [q, k, v] = prepare({ dims: [1, 1, 4, 4, 18], kind: 'none' }).inputs as tf.Tensor4D[]
    const options = {
      bias: { kind: 'none' },
      trainBias: false,
      queriesPerTile: 4,
      attentionStorage: 'float16',
    } as const
    expect(() => attention(q!, k!, v!, options)).toThrow(
      /^attention: expected a kernel for float16 storage with headDim 18, got fused takes a headDim that is a multiple of 4 up to 128; native has no float16 storage; skipping has no float16 storage; windowed has no float16 storage; tiled has no float16 storage; general has no float16 storage; leave out what they do not take, or pass a kernel that does$/,
    )
  })
})
