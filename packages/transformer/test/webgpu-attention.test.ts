// The fused WGSL kernels against the formula in float64, on whatever adapter there is (SwiftShader where there is no GPU).
import { selectBackend } from '@alibi/backend'
import { seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import type { AttentionBias } from '../src/kernels/bias-tile.js'
import { canFuse, fusedAttention, fusedSelfAttention } from '../src/kernels/webgpu/attention.js'
import { attention64, attentionGradients64, differences64 } from './float64.js'

const unavailable = await selectBackend('webgpu', { software: true }).then(
  () => undefined,
  (error: Error) => error.message,
)

// A failure names its seed; the numbers change from run to run.
const seed = Date.now() % 1_000_000
const random = seededRandom(seed)
const normal = (size: number) =>
  Float64Array.from({ length: size }, () => Math.fround(3 * (random() + random() + random() + random() - 2)))
/** Products of these are exact in fp32, however large: what is left of an error is the kernel's. */
const large = (size: number) => Float64Array.from({ length: size }, () => 16 * Math.floor(17 * random() - 8))

interface Case {
  readonly dims: readonly [B: number, H: number, Q: number, K: number, D: number]
  readonly kind: 'none' | 'linear' | 'table'
  /** Positions that are not consecutive. */
  readonly positions?: (index: number) => number
  /** Tokens of left padding of each row of the batch. */
  readonly padding?: readonly number[]
  readonly numbers?: typeof normal
  /** Where gradients cancel to about zero: the size of what cancels, which errors are relative to. */
  readonly cancels?: number
}

const cases: Record<string, Case> = {
  'no bias, tiles of 32': { dims: [1, 2, 33, 33, 16], kind: 'none' },
  'slopes, tiles of 64': { dims: [2, 3, 70, 70, 8], kind: 'linear' },
  'a table, more keys than queries': { dims: [2, 2, 37, 101, 12], kind: 'table' },
  'slopes, one query': { dims: [1, 2, 1, 70, 64], kind: 'linear' },
  'a table, one query and key': { dims: [2, 1, 1, 1, 16], kind: 'table', cancels: 1 },
  'slopes, padding': { dims: [2, 2, 19, 23, 16], kind: 'linear', padding: [0, 5] },
  'slopes, positions far apart': {
    dims: [1, 2, 9, 20, 16],
    kind: 'linear',
    positions: (i) => 1000 * i + (i % 3),
    cancels: 1,
  },
  'a table, headDim 128': { dims: [1, 1, 35, 40, 128], kind: 'table' },
  'slopes, headDim 128, tiles of 64': { dims: [1, 1, 65, 65, 128], kind: 'linear' },
  'slopes, huge scores': { dims: [1, 2, 40, 47, 16], kind: 'linear', numbers: large, cancels: 128 },
}

/** A case's numbers on the host, its bias on the device, and the right results. */
function prepare({ dims, kind, positions, padding, numbers = normal }: Case) {
  const [B, H, Q, K, D] = dims
  const [q, k, v] = [numbers(B * H * Q * D), numbers(B * H * K * D), normal(B * H * K * D)]
  const weight = normal(B * H * Q * D)
  const size = { none: 0, linear: H, table: H * K }[kind]
  // Slopes that are powers of two keep huge scores exact.
  const trained = kind === 'linear' ? Float64Array.from({ length: size }, (_, h) => 2 ** -(h + 2)) : normal(size)
  const at = positions ?? ((i: number) => i)
  const biasOf = (h: number, i: number, j: number, b: number) => {
    if (padding && j < padding[b]!) return Number.NEGATIVE_INFINITY
    if (kind === 'none') return 0
    return kind === 'linear' ? -trained[h]! * (at(i) - at(j)) : trained[h * K + i - j]!
  }
  const dTrained = new Float64Array(size)
  const [dq, dk, dv] = attentionGradients64(dims, q, k, v, biasOf, weight, (h, i, j, gradient) => {
    if (kind === 'linear') dTrained[h]! -= (at(i) - at(j)) * gradient
    if (kind === 'table') dTrained[h * K + i - j]! += gradient
  })
  const out = attention64(dims, q, k, v, biasOf)
  const makeBias = (trained: tf.Tensor | undefined): AttentionBias => {
    if (kind === 'table') return { kind, table: trained! }
    if (kind === 'none') return { kind }
    const places = tf.tensor1d(Array.from({ length: K }, (_, i) => at(i)))
    return { kind, slopes: trained!, queries: tf.slice(places, K - Q, Q), keys: places, consecutive: !positions }
  }
  const mask =
    padding &&
    tf.tensor(
      padding.flatMap((pad) => Array.from({ length: K }, (_, j) => Number(j < pad))),
      [B, 1, 1, K],
    )
  const inputs = [tensor(q, [B, H, Q, D]), tensor(k, [B, H, K, D]), tensor(v, [B, H, K, D])]
  if (size) inputs.push(tensor(trained, kind === 'linear' ? [H] : [H, K]))
  const options = (bias: AttentionBias) => ({ bias, trainBias: kind !== 'none', padding: mask })
  return { inputs, weight, makeBias, options, want: [out, dq, dk, dv, ...(size ? [dTrained] : [])] }
}

const tensor = (data: Float64Array, shape: readonly number[]) => tf.tensor(Float32Array.from(data), [...shape])

/** Rows that may attend to nothing are not defined: what is padding has no result to compare. */
function relativeError(got: ArrayLike<number>, want: Float64Array, least = 1e-30): number {
  const scale = want.reduce((top, value) => Math.max(top, Math.abs(value) || 0), least)
  return (
    want.reduce((worst, value, i) => {
      if (Number.isNaN(value)) return worst
      return Number.isNaN(got[i]!) ? Number.NaN : Math.max(worst, Math.abs(got[i]! - value))
    }, 0) / scale
  )
}

/** Fills every buffer that the next kernels may be given with NaN: what they do not write shows. */
function poison(): void {
  const { bufferManager, device } = tf.backend() as unknown as {
    bufferManager: { freeBuffers: Map<string, GPUBuffer[]> }
    device: GPUDevice
  }
  for (const buffers of bufferManager.freeBuffers.values())
    for (const buffer of buffers)
      if (buffer.usage & GPUBufferUsage.STORAGE && buffer.mapState === 'unmapped')
        device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(Number.NaN))
}

async function results(compute: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], weight: tf.Tensor) {
  const out = compute(...inputs)
  const loss = (...all: tf.Tensor[]) => tf.sum(tf.mul(compute(...all), weight))
  const gradients = tf.grads(loss as Parameters<typeof tf.grads>[0])(inputs)
  const values = await Promise.all([out, ...gradients].map((x) => x.data()))
  tf.dispose([out, ...gradients])
  return values
}

describe.skipIf(unavailable)(`fused attention${unavailable ? ` (skipped: ${unavailable})` : ''}`, () => {
  it.each(Object.entries(cases))(`equals float64, and its gradients: %s (seed ${seed})`, async (_name, each) => {
    const { inputs, weight, makeBias, options, want } = prepare(each)
    const compute = (...[q, k, v, trained]: tf.Tensor[]) =>
      fusedAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, options(makeBias(trained)))
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
    const { inputs, weight, makeBias, options } = prepare({ dims: [B, H, L, L, D], kind: 'linear' })
    const [q, k, v, slopes] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor]
    const weights = tensor(weight, [B, H, L, D])
    const apart = await results(
      (...[q, k, v, slopes]) =>
        fusedAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, options(makeBias(slopes))),
      [q, k, v, slopes],
      weights,
    )
    const rows = (x: tf.Tensor4D) => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [B * L, H * D])
    const packed = tf.concat([rows(q), rows(k), rows(v)], 1) as tf.Tensor2D
    const together = await results(
      (qkv, slopes) => fusedSelfAttention(qkv as tf.Tensor2D, { batchSize: B, numHeads: H }, options(makeBias(slopes))),
      [packed, slopes],
      rows(weights as tf.Tensor4D),
    )
    const [out, dq, dk, dv, dSlopes] = apart.map((values, i) => tf.tensor(values, i < 4 ? [B, H, L, D] : [H]))
    const want = [
      rows(out as tf.Tensor4D),
      tf.concat(
        [dq, dk, dv].map((x) => rows(x as tf.Tensor4D)),
        1,
      ),
      dSlopes!,
    ]
    for (const [i, x] of want.entries()) expect(together[i]).toEqual(await x.data())
  })

  it('skips the tiles of keys that have no weight, and those alone', async () => {
    const [H, Q, K, D, T] = [4, 40, 700, 8, 64] as const
    const numbers = (size: number) => normal(size).map((x) => x / 4)
    const { inputs, makeBias, options, want } = prepare({ dims: [1, H, Q, K, D], kind: 'linear', numbers })
    const [q, k, v, slopes] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor]
    const run = (values: tf.Tensor4D) => fusedAttention(q, k, values, options(makeBias(slopes))).data()
    expect(relativeError((await run(v)) as Float32Array, want[0]!)).toBeLessThan(1e-5)

    const norms = (x: tf.Tensor4D) => tf.sqrt(tf.sum(tf.square(x), 3)).array() as Promise<number[][][]>
    const [queryNorms, keyNorms] = [(await norms(q))[0]!, (await norms(k))[0]!]
    const largest = (h: number, tile: number) => Math.max(...keyNorms[h]!.slice(T * tile, T * tile + T))
    let skipped = 0
    for (const tile of [0, 3, 5, 8, 10]) {
      // NaN among the values of a tile shows in the output exactly if the tile is visited: 0·NaN is NaN.
      const hole = tf.fill([1, H, Math.min(T, K - T * tile), D], Number.NaN)
      const pieces = [tf.slice(v, 0, [1, H, T * tile, D]), hole, tf.slice(v, [0, 0, T * tile + hole.shape[2]!, 0])]
      const out = await run(tf.concat(pieces, 2) as tf.Tensor4D)
      for (let h = 0; h < H; h++) {
        const bound = (Math.max(...queryNorms[h]!) * (largest(h, tile) + largest(h, 10))) / Math.sqrt(D)
        const beyond = 2 ** -(h + 2) * (K - Q - (T * tile + T - 1)) > 104 + bound
        const visited = out.slice(h * Q * D, (h + 1) * Q * D).some(Number.isNaN)
        expect(visited, `head ${h}, tile ${tile}`).toBe(!beyond)
        skipped += Number(beyond)
      }
    }
    expect(skipped).toBeGreaterThan(0)
  })

  it('leaves to the tile-by-tile path what it does not do', () => {
    const sizes = { batchSize: 1, numHeads: 1, numQueries: 4, numKeys: 4, headDim: 16 }
    const none = { bias: { kind: 'none' } as const, trainBias: false }
    expect(canFuse(none, sizes)).toBe(true)
    expect(canFuse({ ...none, bias: { kind: 'tiles', tiles: () => tf.zeros([1]) } }, sizes)).toBe(false)
    expect(canFuse(none, { ...sizes, headDim: 18 })).toBe(false)
    expect(canFuse(none, { ...sizes, headDim: 256 })).toBe(false)
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
