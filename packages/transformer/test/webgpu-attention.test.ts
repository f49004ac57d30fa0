// The fused WGSL kernels compute the right numbers, on whatever adapter there is (SwiftShader where there is no GPU).
import { positionRange, type RotationTables, rotationTables } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import { attention64, attentionGradients64 } from '../src/conformance/float64.js'
import { attentionCases } from '../src/conformance/index.js'
import { refusal } from '../src/kernels/attention/kernel.js'
import { packTables } from '../src/kernels/attention/packed-rotation.js'
import { fused } from '../src/kernels/webgpu/attention/fused.js'
import { differences64 } from './float64.js'
import { fusedAttention, fusedSelfAttention, named, poison, unavailable } from './fused-cases.js'
import {
  type Case,
  long,
  normal,
  normal16,
  prepare,
  problemOf,
  relativeError,
  results,
  rotations,
  tensor,
  uneven,
} from './kernel-cases.js'
import { seed } from './seed.js'

/** Sizes that the suite of all kernels does not have. */
const cases: Record<string, Case> = {
  ...long,
  'slopes, tiles of 64': { dims: [2, 3, 70, 70, 8], kind: 'linear' },
  'a table, headDim 128': { dims: [1, 1, 35, 40, 128], kind: 'table' },
  'slopes, headDim 128, tiles of 64': { dims: [1, 1, 65, 65, 128], kind: 'linear' },
  'a table, a window and first keys': { dims: [1, 2, 150, 500, 8], kind: 'table', window: 100, sinks: 5 },
  'slopes, a gate, a window and first keys, headDim 128, tiles of 64': {
    dims: [1, 1, 65, 129, 128],
    kind: 'linear',
    gate: uneven,
    window: 40,
    sinks: 3,
  },
  'float16, slopes, padding': { dims: [2, 2, 19, 23, 16], kind: 'linear', masked: (b, j) => j < 5 * b, float16: true },
  'float16, a table, tiles of 64': { dims: [1, 2, 70, 70, 8], kind: 'table', float16: true },
}

/** x·cos + swap(x)·sin of every head's rows, in float64, or its transpose. */
function turned(x: Float64Array, { cos, sin, partner }: RotationTables, way: 'turn' | 'turn back'): Float64Array {
  const D = partner.length
  return x.map((value, i) => {
    const [at, other] = [i % cos.length, i - (i % D) + partner[i % D]!]
    return value * cos[at]! + x[other]! * sin[way === 'turn' ? at : other % cos.length]!
  })
}

// With headDim 16 all cases share their compiled kernels.
describe.skipIf(unavailable)(named('the fused kernel holds the suite of all kernels'), () => {
  for (const { name, run } of unavailable ? [] : attentionCases(fused, { headDim: 16 })) it(name, run)
})

describe.skipIf(unavailable)(named('fused attention'), () => {
  it.each(Object.entries(cases))(`equals float64, and its gradients: %s (seed ${seed})`, async (_name, each) => {
    const { inputs, weight, options, want } = prepare(each)
    const compute = (...[q, k, v, ...others]: tf.Tensor[]) =>
      fusedAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, options(...others))
    const weights = tensor(weight, inputs[0]!.shape)
    await results(compute, inputs, weights)
    poison()
    const got = await results(compute, inputs, weights)
    // The bounds of the project for fp32, whose rounding is 6e-8 and whose longest sums have a few hundred terms.
    got.forEach((values, i) => {
      const error = relativeError(values as Float32Array, want[i]!, i === 0 ? undefined : each.cancels)
      expect(error, `${i}`).toBeLessThan(i === 0 ? 1e-5 : 1e-4)
    })
  })

  it('reads queries, keys and values from one tensor', async () => {
    const [B, H, L, D] = [2, 3, 37, 8] as const
    const dims = [B, H, L, L, D] as const
    const { inputs, weight, options } = prepare({ dims, kind: 'linear', gate: uneven, window: 20 })
    const [q, k, v, ...others] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, ...tf.Tensor[]]
    const weights = tensor(weight, [B, H, L, D])
    const apart = await results(
      (...[q, k, v, ...others]) =>
        fusedAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, options(...others)),
      inputs,
      weights,
    )
    const rows = (x: tf.Tensor4D) => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [B * L, H * D])
    const packed = tf.concat([rows(q), rows(k), rows(v)], 1) as tf.Tensor2D
    const together = await results(
      (qkv, ...others) => fusedSelfAttention(qkv as tf.Tensor2D, { batchSize: B, numHeads: H }, options(...others)),
      [packed, ...others],
      rows(weights as tf.Tensor4D),
    )
    const [out, dq, dk, dv, ...dOthers] = apart.map((values, i) =>
      tf.tensor(values, i < 4 ? [B, H, L, D] : others[i - 4]!.shape),
    )
    const want = [
      rows(out as tf.Tensor4D),
      tf.concat(
        [dq, dk, dv].map((x) => rows(x as tf.Tensor4D)),
        1,
      ),
      ...dOthers,
    ]
    for (const [i, x] of want.entries()) expect(together[i]).toEqual(await x.data())
  })

  it.each(Object.entries(rotations))(
    `turns queries and keys as it reads them: %s (seed ${seed})`,
    async (_, rotation) => {
      // 449 keys are 8 tiles: bounds are of what is turned, too.
      const sizes = [
        { L: 37, B: 2, H: 3, float16: true },
        ...(rotation.rotaryDim === 16 ? [{ L: 449, B: 1, H: 2, float16: false }] : []),
      ]
      for (const { L, B, H, float16 } of sizes) {
        const D = 16
        const dims = [B, H, L, L, D] as const
        const numbers = float16 ? normal16 : normal
        const parts = [numbers, numbers, numbers, normal].map((make) => make(B * H * L * D))
        const [q, k, v, weight] = parts as [Float64Array, Float64Array, Float64Array, Float64Array]
        const tables = (side: 'query' | 'key') => rotationTables(rotation, D, positionRange(0, L), side)
        const [queries, keys] = [tables('query'), tables('key')]
        const biasOf = (h: number, i: number, j: number) => -(2 ** -(h + 2)) * (i - j)
        const [tq, tk] = [turned(q, queries, 'turn'), turned(k, keys, 'turn')]
        const [dq, dk, dv] = attentionGradients64(dims, tq, tk, v, biasOf, weight)
        const want = [
          attention64(dims, tq, tk, v, biasOf),
          turned(dq, queries, 'turn back'),
          turned(dk, keys, 'turn back'),
          dv,
        ]
        const rows = (x: Float64Array) =>
          tf.reshape(tf.transpose(tensor(x, [B, H, L, D]), [0, 2, 1, 3]), [B * L, H * D]) as tf.Tensor2D
        const places = tf.range(0, L, 1, 'int32') as tf.Tensor1D
        const slopes = tf.tensor1d(Array.from({ length: H }, (_, h) => 2 ** -(h + 2)))
        const options = {
          bias: { kind: 'linear', slopes, queries: places, keys: places, consecutive: true } as const,
          trainBias: false,
          rotation: { table: tf.tensor1d(packTables(queries, keys)), pairStride: queries.partner[0]! },
          attentionStorage: float16 ? ('float16' as const) : undefined,
        }
        const compute = (qkv: tf.Tensor) =>
          fusedSelfAttention(qkv as tf.Tensor2D, { batchSize: B, numHeads: H }, options)
        const packed = tf.concat([rows(q), rows(k), rows(v)], 1)
        await results(compute, [packed], rows(weight))
        poison()
        const [out, gradient] = await results(compute, [packed], rows(weight))
        const back = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [B, L, H, D]), [0, 2, 1, 3]).data()
        const got = [
          await back(tf.tensor(out!)),
          ...(await Promise.all(tf.split(tf.tensor(gradient!, [B * L, 3 * H * D]), 3, 1).map(back))),
        ]
        got.forEach((values, i) => {
          expect(relativeError(values as Float32Array, want[i]!), `${i}`).toBeLessThan(i === 0 ? 1e-5 : 1e-4)
        })
      }
    },
  )

  it('leaves to the tile-by-tile path what it does not do', () => {
    const none = { bias: { kind: 'none' } as const, trainBias: false }
    const problem = problemOf({ batchSize: 1, numHeads: 1, numKeys: 4, headDim: 16 }, none)
    expect(refusal(fused, problem)).toBeUndefined()
    expect(refusal(fused, { ...problem, asks: ['tile bias', 'dropout'] })).toBe('has no tile bias, no dropout')
    expect(refusal(fused, { ...problem, headDim: 18 })).toBe('takes a headDim that is a multiple of 4 up to 128')
    expect(refusal(fused, { ...problem, headDim: 256 })).toBe('takes a headDim that is a multiple of 4 up to 128')
    expect(refusal(fused, { ...problem, backend: 'wasm' })).toBe('runs on webgpu, not on wasm')
  })
})

it('has the right gradients to compare with', () => {
  const dims = [2, 2, 3, 5, 4] as const
  const [B, H, Q, K, D] = dims
  const inputs = [normal(B * H * Q * D), normal(B * H * K * D), normal(B * H * K * D)]
  const weight = normal(B * H * Q * D)
  const bias = (h: number, i: number, j: number) => -(h + 1) * (i - j) * 0.3
  const gradients = attentionGradients64(dims, inputs[0]!, inputs[1]!, inputs[2]!, bias, weight)
  for (const i of [0, 1, 2]) {
    const numeric = differences64((q, k, v) => attention64(dims, q!, k!, v!, bias), inputs, i, weight)
    expect(relativeError(gradients[i]!, numeric)).toBeLessThan(1e-7)
  }
})
