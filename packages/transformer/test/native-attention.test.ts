// The operations of our own compute the right numbers, with every instruction set that this processor has.
import { createRequire } from 'node:module'
import { selectBackend } from '@alibi/backend'
import { positionRange, rotationTables } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findAddon } from '../../backend/src/setup/addon.js'
import { attentionCases } from '../src/conformance/index.js'
import { general } from '../src/kernels/attention/general/general.js'
import { type AttentionKernel, refusal, run } from '../src/kernels/attention/kernel.js'
import { packTables } from '../src/kernels/attention/packed-rotation.js'
import type { AttentionProblem } from '../src/kernels/attention/problem.js'
import { tiled } from '../src/kernels/attention/tiled/tiled.js'
import { applyRotation, toDevice } from '../src/kernels/plain/rotate.js'
import { native } from '../src/kernels/tensorflow/attention.js'
import {
  attend,
  attendProjected,
  type Case,
  long,
  prepare,
  problemOf,
  relativeError,
  results,
  rotations,
  tensor,
  uneven,
} from './kernel-cases.js'
import { seed } from './seed.js'

const require = createRequire(import.meta.url)
const unavailable = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
const named = (what: string) => `${what}${unavailable ? ` (skipped: ${unavailable})` : ''}`

/** The compiled `native/operations.cc`. */
interface Addon {
  /** Pairs of a tile of queries and one of keys, until now. */
  tilesComputed(): number
  /** Of this processor, the widest first. */
  readonly instructionSets: readonly string[]
  useInstructions(set: string): void
}

const cases: Record<string, Case> = {
  ...long,
  'nothing added': { dims: [2, 3, 70, 70, 8], kind: 'none' },
  slopes: { dims: [2, 3, 130, 130, 32], kind: 'linear' },
  'a table': { dims: [2, 2, 75, 140, 20], kind: 'table' },
  'a table, headDim 128': { dims: [1, 1, 35, 40, 128], kind: 'table' },
  'headDim 256': { dims: [1, 1, 9, 66, 256], kind: 'linear' },
  'headDim 4': { dims: [1, 2, 64, 128, 4], kind: 'linear' },
  'slopes, padding': { dims: [2, 2, 19, 23, 16], kind: 'linear', masked: (b, j) => j < 5 * b },
  'a table, a window and first keys': { dims: [1, 2, 150, 500, 8], kind: 'table', window: 100, sinks: 5 },
  // No gradient reaches queries and keys.
  'a window of one key': { dims: [1, 2, 100, 100, 8], kind: 'linear', window: 1, cancels: 10 },
  'slopes, a gate, a window and first keys': {
    dims: [2, 1, 65, 129, 64],
    kind: 'linear',
    gate: uneven,
    window: 40,
    sinks: 3,
  },
}

/** The same at any size: what is too small to pay is right, too. */
const anySize: AttentionKernel = {
  ...native,
  refuses: (problem) => native.refuses({ ...problem, numQueries: 8 }),
}

describe.skipIf(unavailable)(named('the native kernel holds the suite of all kernels'), () => {
  for (const { name, run } of unavailable ? [] : attentionCases(anySize, { headDim: 16 })) it(name, run)
})

describe.skipIf(unavailable)(named('native attention'), () => {
  beforeAll(async () => void (await tf.setBackend('tensorflow')))

  const addon = unavailable ? undefined : (require(findAddon()!.operationsPath) as Addon)
  afterEach(() => addon?.useInstructions(addon.instructionSets[0]!))
  const each = (addon?.instructionSets ?? []).flatMap((set) => Object.keys(cases).map((name) => [set, name] as const))

  it.each(each)(`equals float64, and its gradients, with %s: %s (seed ${seed})`, async (set, name) => {
    addon!.useInstructions(set)
    const each = cases[name]!
    const { inputs, weight, options, want } = prepare(each)
    const compute = (...[q, k, v, ...others]: tf.Tensor[]) =>
      attend(native, q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, options(...others))
    const got = await results(compute, inputs, tensor(weight, inputs[0]!.shape))
    got.forEach((values, i) => {
      const error = relativeError(values as Float32Array, want[i]!, i === 0 ? undefined : each.cancels)
      expect(error, `${i}`).toBeLessThan(i === 0 ? 1e-5 : 1e-4)
    })
  })

  it.each([
    [0, 'queries'],
    [1, 'keys'],
    [2, 'values'],
  ])('hides nothing that is no number: input %i, of %s', async (index) => {
    const { inputs, options } = prepare({ dims: [1, 2, 300, 300, 8], kind: 'linear' })
    const [q, k, v, ...others] = inputs.map((x, i) => {
      if (i !== index) return x
      const numbers = x.dataSync<'float32'>()
      // Far from the last query, whose weight there is 0.
      numbers[0] = Number.NaN
      return tf.tensor(numbers, x.shape)
    }) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, ...tf.Tensor[]]
    const out = (await attend(native, q, k, v, options(...others)).data()) as Float32Array
    const tiledOut = (await attend(tiled, q, k, v, options(...others)).data()) as Float32Array
    const bad = (x: Float32Array) => x.reduce((count, value) => count + Number(Number.isNaN(value)), 0)
    expect(bad(out)).toBeGreaterThan(0)
    // Of a value without weight nothing is read: 0 · NaN is left out, never a number made of it.
    expect(bad(out)).toBeLessThanOrEqual(bad(tiledOut))
  })

  it.each(Object.entries(rotations))(
    'turns queries and keys of a projection as it reads them: %s',
    async (_, rotation) => {
      const [B, H, L, D] = [2, 3, 75, 16] as const
      const { inputs, options, weight } = prepare({ dims: [B, H, L, L, D], kind: 'linear' })
      const [q, k, v, ...others] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, ...tf.Tensor[]]
      const weights = tensor(weight, [B, H, L, D]) as tf.Tensor4D
      const tables = (side: 'query' | 'key') => rotationTables(rotation, D, positionRange(0, L), side)
      const [queries, keys] = [tables('query'), tables('key')]
      const apart = await results(
        (...[q, k, v, ...others]) =>
          attend(
            tiled,
            applyRotation(q as tf.Tensor4D, toDevice([queries])),
            applyRotation(k as tf.Tensor4D, toDevice([keys])),
            v as tf.Tensor4D,
            options(...others),
          ),
        inputs,
        weights,
      )
      const rows = (x: tf.Tensor) => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [B * L, H * D]) as tf.Tensor2D
      const packed = tf.concat([rows(q), rows(k), rows(v)], 1)
      const packedRotation = { table: tf.tensor1d(packTables(queries, keys)), pairStride: queries.partner[0]! }
      const together = await results(
        (qkv, ...others) =>
          attendProjected(
            native,
            qkv as tf.Tensor2D,
            { batchSize: B, numHeads: H },
            { ...options(...others), rotation: packedRotation },
          ),
        [packed, ...others],
        rows(weights),
      )
      const [out, dq, dk, dv, ...dOthers] = apart.map((values, i) =>
        tf.tensor(values, i < 4 ? [B, H, L, D] : others[i - 4]!.shape),
      )
      const want = [
        rows(out!),
        tf.concat(
          [dq, dk, dv].map((x) => rows(x!)),
          1,
        ),
        ...dOthers,
      ]
      for (const [i, x] of want.entries())
        expect(relativeError(together[i] as Float32Array, Float64Array.from(await x.data()))).toBeLessThan(1e-4)
    },
  )

  it.each([
    ['one after another', undefined, 0],
    ['in a window', 20, 0],
    ['in a window, with the first keys of each', 20, 3],
  ] as const)('keeps documents apart, which differ by row: %s', async (_, window, sinks) => {
    const [B, H, L, D] = [2, 2, 150, 8] as const
    const { inputs, options, weight } = prepare({ dims: [B, H, L, L, D], kind: 'linear' })
    const starts = (row: number, query: number) => [0, 40 + 30 * row, 100].findLast((start) => start <= query)!
    const documents = tf.tensor4d(
      Float32Array.from({ length: B * L }, (_, i) => starts(Math.floor(i / L), i % L)),
      [B, 1, L, 1],
    )
    const problem: AttentionProblem = {
      ...{ backend: 'tensorflow', batchSize: B, numHeads: H, numQueries: L, numKeys: L, headDim: D, trains: true },
      ...{ window, sinks, queriesPerTile: 32, skipTolerance: 0, documentStarts: new Int32Array(L) },
      asks: [
        'linear bias',
        'trained bias',
        'documents',
        ...(window ? (['window'] as const) : []),
        ...(sinks ? (['sinks'] as const) : []),
      ],
    }
    const by = (kernel: AttentionKernel) =>
      results(
        (...[q, k, v, ...others]) =>
          run(kernel, problem, {
            ...{ q: q as tf.Tensor4D, k: k as tf.Tensor4D, v: v as tf.Tensor4D },
            ...{ ...options(...others), documents },
          }),
        inputs,
        tensor(weight, [B, H, L, D]),
      )
    const [got, want] = [await by(native), await by(general)]
    for (const [i, values] of got.entries())
      expect(relativeError(values as Float32Array, Float64Array.from(want[i]!)), `${i}`).toBeLessThan(i ? 1e-4 : 1e-5)
  })

  it('leaves out tiles of keys whose weight is zero, and no others', async () => {
    const count = async (compute: () => tf.Tensor) => {
      const before = addon!.tilesComputed()
      await compute().data()
      return addon!.tilesComputed() - before
    }
    const L = 2048
    const q = tf.zeros([1, 1, L, 8]) as tf.Tensor4D
    const at = tf.range(0, L, 1, 'int32') as tf.Tensor1D
    const of = (slope: number, window?: number) =>
      attend(native, q, q, q, {
        bias: { kind: 'linear', slopes: tf.tensor1d([slope]), queries: at, keys: at, consecutive: true },
        trainBias: false,
        window,
      })
    // 32 tiles of queries, each with the tiles of keys before it.
    expect(await count(() => of(0))).toBe((32 * 33) / 2)
    // e^(−distance) is 0 in fp32 from 87.3 on, for 2 tiles of 64 before the own one; the tile after the 88th key needs none.
    expect(await count(() => of(1))).toBe(32 + 31 + 30)
    expect(await count(() => of(0, 64))).toBe(32 + 31)
  })

  it('says what it leaves to others', () => {
    const problem = problemOf(
      { batchSize: 1, numHeads: 1, numKeys: 600, headDim: 16 },
      { bias: { kind: 'none' }, trainBias: false },
    )
    expect(refusal(native, problem)).toBeUndefined()
    expect(refusal(native, { ...problem, asks: ['tile bias', 'dropout'] })).toBe('has no tile bias, no dropout')
    expect(refusal(native, { ...problem, headDim: 18 })).toBe('takes a headDim that is a multiple of 4 up to 256')
    expect(refusal(native, { ...problem, numQueries: 1 })).toBe('is for 8 queries or more')
    const trains = { ...problem, trains: true, numKeys: 8 }
    expect(refusal(native, { ...trains, numQueries: 8 })).toBeUndefined()
    expect(refusal(native, { ...trains, numQueries: 7 })).toBe('is for 8 queries or more')
    expect(refusal(native, { ...problem, skipTolerance: 1e-3 })).toBe('keeps every key that has weight')
    expect(refusal(native, { ...problem, backend: 'wasm' })).toBe('runs on tensorflow, not on wasm')
  })
})
