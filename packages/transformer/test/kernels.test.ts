// Every kernel on every backend, with fresh random inputs, against its formula in float64.
import { type BackendName, backendNames, compile, selectBackend } from '@alibi/backend'
import { positionRange, rotationTables, seededRandom } from '@alibi/core'
import { rotary } from '@alibi/rotary'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { resolveConfig } from '../src/config.js'
import { attention64 } from '../src/conformance/float64.js'
import { createModel, createTrainer, evaluate, type StepCompiler, tfOps } from '../src/index.js'
import { attention } from '../src/kernels/attention/attention.js'
import type { AttentionBias } from '../src/kernels/attention/bias.js'
import { currentKernels } from '../src/kernels/kernels.js'
import { toDevice } from '../src/kernels/plain/rotate.js'
import { adaptiveSpecs, adaptiveVocabulary } from '../src/model/vocabulary/adaptive.js'
import { adaptiveInput64, adaptiveLosses64 } from './adaptive64.js'
import { crossEntropy64, differences64, gelu64, geluExact64, layerNorm64, rmsNorm64 } from './float64.js'
import { seed } from './seed.js'
import { strategies, strategiesOfEachKind, tiles, tiny, tokens } from './strategies.js'

const random = seededRandom(seed)
/** About normal, and exactly representable in fp32, so that both sides read the same inputs. */
const normal = (size: number) =>
  Float64Array.from({ length: size }, () => Math.fround(3 * (random() + random() + random() + random() - 2)))

/** Largest error relative to the largest value. */
function relativeError(got: ArrayLike<number>, want: Float64Array): number {
  const scale = want.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-30)
  return want.reduce((worst, value, i) => Math.max(worst, Math.abs(got[i]! - value)), 0) / scale
}

interface Kernel {
  readonly name: string
  readonly shapes: readonly (readonly number[])[]
  readonly device: (...inputs: tf.Tensor[]) => tf.Tensor
  readonly exact: (...inputs: Float64Array[]) => Float64Array
}

const [B, H, Q, K, D] = [2, 3, 7, 11, 4] as const
const qkv = [
  [B, H, Q, D],
  [B, H, K, D],
  [B, H, K, D],
] as const
const range = (from: number, to: number) => tf.range(from, to, 1, 'int32') as tf.Tensor1D
const attend =
  (bias: (trained: tf.Tensor) => AttentionBias, trainBias: boolean): Kernel['device'] =>
  (q, k, v, trained) =>
    attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, {
      bias: bias(trained!),
      trainBias,
      queriesPerTile: 3,
    })
const WINDOW = 4
const attendWithin =
  (bias: (trained: tf.Tensor) => AttentionBias, trainBias: boolean): Kernel['device'] =>
  (q, k, v, trained) =>
    attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, {
      window: WINDOW,
      bias: bias(trained!),
      trainBias,
      queriesPerTile: 3,
    })
const beyond = (distance: number) => (distance < WINDOW ? 0 : Number.NEGATIVE_INFINITY)
const linear = (slopes: tf.Tensor): AttentionBias => ({
  kind: 'linear',
  slopes,
  queries: range(K - Q, K),
  keys: range(0, K),
  consecutive: true,
})

const { rotation } = rotary({ rotaryDim: 4 })
const tables = rotationTables(
  rotation,
  6,
  Int32Array.from({ length: Q }, (_, i) => 40 + i),
  'query',
)
/** Places up to 0.3 around these are not at a value, where the slope changes; two are beyond the ends. */
const BETWEEN = [-0.5, 0.5, 1.5, 1.5, 2.5, 3.5, 4.5, 7.5]
const targets = Int32Array.of(4, 0, 2, 2, 1)

const bands = { adaptiveCutoffs: [4, 7], adaptiveFactor: 2 }
const dropouts = { attentionDropout: 0.3, activationDropout: 0.2, tailDropout: 0.2 }

/** Four, three and two tokens of 4, 2 and 1 dimensions, and tokens of all of them. */
const BANDS = [
  { from: 0, size: 4, dim: 4 },
  { from: 4, size: 3, dim: 2 },
  { from: 7, size: 2, dim: 1 },
] as const
const rare = [5, 0, 8, 3, 4, 2]
/** Hidden states; each band's table and projection; the head's vectors of the two tails. */
const adaptiveShapes = [
  [rare.length, 4],
  ...BANDS.flatMap(({ size, dim }) => [
    [size, dim],
    [dim, 4],
  ]),
  [4, 2],
]
/** Running sums of rows of `size` numbers. */
function sums64(size: number, x: Float64Array): Float64Array {
  let sum = 0
  return x.map((value, at) => {
    sum = at % size ? sum + value : value
    return sum
  })
}
const sum64 = (a: Float64Array, b: Float64Array) => a.map((value, i) => value + b[i]!)
const adaptive = (arrays: readonly tf.Tensor[]) => {
  const config = resolveConfig({
    vocabularySize: 9,
    numLayers: 1,
    modelDim: 4,
    numHeads: 1,
    ...bands,
  })
  const names = Object.keys(adaptiveSpecs(config))
  return adaptiveVocabulary(config, new Map(names.map((name, i) => [name, arrays[i] as tf.Variable])))
}

const kernels: readonly Kernel[] = [
  {
    name: 'attention without a bias',
    shapes: qkv,
    device: attend(() => ({ kind: 'none' }), false),
    exact: (q, k, v) => attention64([B, H, Q, K, D], q!, k!, v!, () => 0),
  },
  {
    name: 'attention with slopes',
    shapes: [...qkv, [H]],
    device: attend(linear, true),
    exact: (q, k, v, slopes) => attention64([B, H, Q, K, D], q!, k!, v!, (h, i, j) => -slopes![h]! * (i - j)),
  },
  {
    name: 'attention with a table of distances',
    shapes: [...qkv, [H, K]],
    device: attend((table) => ({ kind: 'table', table: table! }), true),
    exact: (q, k, v, table) => attention64([B, H, Q, K, D], q!, k!, v!, (h, i, j) => table![h * K + i - j]!),
  },
  {
    name: 'windowed attention without a bias',
    shapes: qkv,
    device: attendWithin(() => ({ kind: 'none' }), false),
    exact: (q, k, v) => attention64([B, H, Q, K, D], q!, k!, v!, (_, i, j) => beyond(i - j)),
  },
  {
    name: 'windowed attention with slopes',
    shapes: [...qkv, [H]],
    device: attendWithin(linear, true),
    exact: (q, k, v, slopes) =>
      attention64([B, H, Q, K, D], q!, k!, v!, (h, i, j) => beyond(i - j) - slopes![h]! * (i - j)),
  },
  {
    name: 'windowed attention with a table of distances',
    shapes: [...qkv, [H, K]],
    device: attendWithin((table) => ({ kind: 'table', table: table! }), true),
    exact: (q, k, v, table) =>
      attention64([B, H, Q, K, D], q!, k!, v!, (h, i, j) => beyond(i - j) + table![h * K + i - j]!),
  },
  {
    name: 'windowed attention with tiles',
    shapes: [...qkv, [H, K, K]],
    device: attendWithin(
      (full) => ({
        kind: 'tiles',
        tiles: ({ start, end, firstKey = 0, numKeys }) =>
          tf.slice(full!, [0, K - Q + start, firstKey], [H, end - start, numKeys - firstKey]),
      }),
      true,
    ),
    exact: (q, k, v, full) =>
      attention64([B, H, Q, K, D], q!, k!, v!, (h, i, j) => beyond(i - j) + full![(h * K + i) * K + j]!),
  },
  {
    name: 'layer norm',
    shapes: [[5, 6], [6], [6]],
    device: (x, scale, shift) => currentKernels().layerNorm(x as tf.Tensor2D, scale!, shift!, 1e-5),
    exact: (x, scale, shift) => layerNorm64(6, x!, scale!, shift!),
  },
  {
    name: 'RMS norm',
    shapes: [[5, 6], [6]],
    device: (x, scale) => currentKernels().rmsNorm(x as tf.Tensor2D, scale!, 1e-3),
    exact: (x, scale) => rmsNorm64(6, x!, scale!, 1e-3),
  },
  { name: 'exact GELU', shapes: [[30]], device: (x) => currentKernels().geluExact(x!), exact: (x) => geluExact64(x!) },
  { name: 'GELU', shapes: [[30]], device: (x) => currentKernels().gelu(x!), exact: (x) => gelu64(x!) },
  {
    name: 'cross-entropy',
    shapes: [[5, 6]],
    device: (logits) => currentKernels().crossEntropy(logits as tf.Tensor2D, tf.tensor1d(targets, 'int32')),
    exact: (logits) => crossEntropy64(6, logits!, targets),
  },
  {
    name: 'adaptive input and softmax',
    shapes: adaptiveShapes,
    device: (hidden, ...arrays) => {
      const vocabulary = adaptive(arrays)
      const [first, second] = vocabulary.tailPlaces(Int32Array.from(rare))
      // The second has room to spare.
      const places = [first!, [...second!, rare.length, rare.length]].map((list) => tf.tensor1d(list, 'int32'))
      const ids = tf.tensor1d(rare, 'int32')
      return vocabulary.losses(tf.add(hidden as tf.Tensor2D, vocabulary.embed(ids)), ids, places)
    },
    exact: (hidden, ...arrays) =>
      adaptiveLosses64(BANDS, sum64(hidden!, adaptiveInput64(BANDS, arrays, rare)), arrays, rare),
  },
  {
    name: 'log-probabilities of an adaptive softmax',
    shapes: adaptiveShapes,
    device: (hidden, ...arrays) => {
      const vocabulary = adaptive(arrays)
      const embedded = vocabulary.embed(tf.tensor1d(rare, 'int32'))
      return vocabulary.logits(tf.add(hidden as tf.Tensor2D, embedded))
    },
    exact: (hidden, ...arrays) => {
      const rows = sum64(hidden!, adaptiveInput64(BANDS, arrays, rare))
      const all = Array.from({ length: 9 }, (_, token) =>
        adaptiveLosses64(
          BANDS,
          rows,
          arrays,
          rare.map(() => token),
        ),
      )
      return Float64Array.from({ length: 9 * rare.length }, (_, at) => -all[at % 9]![Math.floor(at / 9)]!)
    },
  },
  {
    name: 'interpolation',
    shapes: [
      [2, 3, 5],
      [2, 3, 8],
    ],
    device: (values, x) => tfOps.interpolate(values!, tfOps.add(tf.mul(x!, 0.05), tf.tensor1d(BETWEEN))),
    exact: (values, x) =>
      x!.map((each, at) => {
        const place = 0.05 * each + BETWEEN[at % 8]!
        return values!.subarray(5 * Math.floor(at / 8)).reduce((sum, value, n) => {
          const weight = n < 5 ? Math.max(0, 1 - Math.abs(Math.max(0, Math.min(4, place)) - n)) : 0
          return sum + weight * value
        }, 0)
      }),
  },
  {
    name: 'cumulative sum along the last axis',
    shapes: [[2, 3, 7]],
    device: (x) => tfOps.cumulativeSum(x!, 2),
    exact: (x) => sums64(7, x!),
  },
  {
    name: 'cumulative sum of several blocks',
    shapes: [[2, 130]],
    device: (x) => tfOps.cumulativeSum(x!, 1),
    exact: (x) => sums64(130, x!),
  },
  {
    name: 'cumulative sum along another axis',
    shapes: [[5, 3]],
    device: (x) => tfOps.cumulativeSum(x!, 0),
    exact: (x) =>
      x!.map((_, at) => x!.subarray(0, at + 1).reduce((sum, value, i) => sum + (i % 3 === at % 3 ? value : 0), 0)),
  },
  {
    name: 'rotation',
    shapes: [[B, H, Q, 6]],
    device: (x) => currentKernels().applyRotation(x as tf.Tensor4D, toDevice([tables])),
    exact: (x) =>
      x!.map((value, at) => {
        const [feature, row] = [at % 6, Math.floor(at / 6) % Q]
        const other = x![at - feature + tables.partner[feature]!]!
        return value * tables.cos[row * 6 + feature]! + other * tables.sin[row * 6 + feature]!
      }),
  },
]

const unavailable: Partial<Record<BackendName, string>> = {}
for (const name of backendNames)
  await selectBackend(name, { software: true }).catch((error: Error) => {
    unavailable[name] = error.message
  })

describe.each(backendNames)('on %s', (backend) => {
  const reason = unavailable[backend]
  beforeAll(async () => {
    if (!reason) await tf.setBackend(backend)
  })

  it.for(kernels)(`computes $name, and its gradients (seed ${seed})`, async ({ shapes, device, exact }, { skip }) => {
    skip(reason !== undefined, reason)
    const inputs = shapes.map((shape) => normal(shape.reduce((a, b) => a * b, 1)))
    const tensors = inputs.map((data, i) => tf.tensor(Float32Array.from(data), [...shapes[i]!]))
    const want = exact(...inputs)
    const got = device(...tensors)
    // The project's bound; fp32 itself has 6e-8, and the longest sums here have 130 terms.
    expect(relativeError(await got.data(), want)).toBeLessThan(1e-5)

    const weight = normal(want.length)
    const loss = (...all: tf.Tensor[]) =>
      tf.sum(tf.mul(device(...all), tf.tensor(Float32Array.from(weight), got.shape))) as tf.Scalar
    const gradients = tf.grads(loss as Parameters<typeof tf.grads>[0])(tensors)
    const exactGradients = inputs.map((_, i) => differences64(exact, inputs, i, weight))
    const largest = (values: Float64Array) => values.reduce((top, value) => Math.max(top, Math.abs(value)), 0)
    // A gradient may be next to nothing, as behind a saturated softmax: what is left of larger terms is their rounding.
    const rounding = 1e-6 * Math.max(...exactGradients.map(largest))
    for (const [i, gradient] of gradients.entries()) {
      const want = exactGradients[i]!
      const atol = 1e-5 * largest(want) + rounding
      expect(await gradient.data(), `input ${i}`).toBeAllclose(Float32Array.from(want), { rtol: 0, atol })
    }
  })

  it(`sums rows of any length (seed ${seed})`, async ({ skip }) => {
    skip(reason !== undefined, reason)
    // One block, whole blocks, a block and a bit, blocks of blocks.
    for (const size of [1, 64, 65, 4096, 4200]) {
      const x = normal(size)
      const got = await tfOps.cumulativeSum(tf.tensor1d(Float32Array.from(x)), 0).data()
      // 64 roundings of a block, as many of the blocks' sums, and again, each of all the numbers' size at most.
      const all = x.reduce((sum, value) => sum + Math.abs(value), 0)
      expect(got, `${size}`).toBeAllclose(Float32Array.from(sums64(size, x)), {
        rtol: 0,
        atol: 3 * 64 * 2 ** -24 * all,
      })
    }
  })

  it('does not leak a tensor from step to step', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const model = createModel({ ...tiny, dropout: 0.1 }, strategies[1]![1])
    const trainer = createTrainer(model, { kind: 'adamw', learningRate: 1e-3, clipNorm: 1, weightDecay: 0.1 }, tiles)
    const native = tf.backend() as unknown as { getNumOfTFTensors?(): number }
    await trainer.trainStep([tokens(9)])
    const before = [tf.memory().numTensors, native.getNumOfTFTensors?.()]
    // A step on a software adapter takes a second.
    const steps = backend === 'webgpu' ? 3 : 100
    for (let i = 0; i < steps; i++) await trainer.trainStep([tokens(9, i)])
    expect([tf.memory().numTensors, native.getNumOfTFTensors?.()]).toEqual(before)
    trainer.dispose()
    model.dispose()
  })
})

it('has one table for all rows and heads where they turn alike, and others with axes of theirs', () => {
  const tables = rotationTables(rotary({ rotaryDim: 4 }).rotation, 6, positionRange(0, 5), 'query')
  const shape = (...given: Parameters<typeof toDevice>) => tf.tidy(() => toDevice(...given).cos.shape)
  expect(shape([tables])).toEqual([5, 6])
  expect(shape([tables, tables])).toEqual([2, 1, 5, 6])
  const ofHeads = {
    ...tables,
    cos: Float64Array.of(...tables.cos, ...tables.cos),
    sin: Float64Array.of(...tables.sin, ...tables.sin),
  }
  expect(shape([ofHeads], 2)).toEqual([1, 2, 5, 6])
})

describe.each(strategies)('%s', (_name, strategy) => {
  it('trains to the same losses on every backend, and twice on each', async () => {
    const losses: Record<string, number[]> = {}
    // webgpu has a test of its own.
    const available = backendNames.filter((name) => !unavailable[name] && name !== 'webgpu')
    for (const name of available)
      for (const run of ['first', 'again']) {
        await tf.setBackend(name)
        const model = createModel(tiny, strategy, 5)
        const trainer = createTrainer(model, { kind: 'adamw', learningRate: 1e-2 }, tiles)
        losses[`${name} ${run}`] = []
        for (let i = 0; i < 5; i++)
          losses[`${name} ${run}`]!.push(await trainer.trainStep([tokens(8, i), tokens(8, i + 4)]))
        trainer.dispose()
        model.dispose()
      }
    for (const name of available) {
      expect(losses[`${name} again`], name).toEqual(losses[`${name} first`])
      // Five updates spread the rounding of fp32 (6e-8) through Adam's division by small moments.
      expect(losses[`${name} first`], name).toBeAllclose(losses['cpu first']!, { rtol: 2e-4 })
    }
  })
})

describe.each([
  ...strategiesOfEachKind.map(([name, strategy]) => [name, strategy, tiny] as const),
  // Some batches have more of the first tail's tokens than it usually has room for, all have of the second's.
  ['alibi, adaptive input and softmax', strategies[1]![1], { ...tiny, ...dropouts, ...bands }] as const,
])('a compiled step, %s', (_name, strategy, shape) => {
  it('trains to the losses of op-by-op steps over 100 steps, dropout included', async ({ skip }) => {
    skip(unavailable.tensorflow !== undefined, unavailable.tensorflow)
    await tf.setBackend('tensorflow')
    const train = async (compiler?: StepCompiler) => {
      const model = createModel({ ...shape, dropout: 0.1 }, strategy, 5)
      const config = { kind: 'adamw', learningRate: 1e-3, warmupSteps: 10, clipNorm: 1, weightDecay: 0.1 } as const
      const trainer = createTrainer(model, config, { ...tiles, seed: 3, microBatches: 2, compile: compiler })
      const losses: number[] = []
      for (let i = 0; i < 100; i++) losses.push(await trainer.trainStep([tokens(8, i), tokens(8, i + 4)]))
      trainer.sync()
      const evaluation = await evaluate(model, tokens(50), { evalLength: 10 })
      trainer.dispose()
      model.dispose()
      return [...losses, evaluation.lossNats]
    }
    const onFallback = (reason: string) => expect.fail(reason)
    const compiled = await train((step, variables) => compile(step, variables, { onFallback }))
    // The bound on what other orders of the same fp32 sums come to in 100 updates.
    expect(compiled).toBeAllclose(await train(), { rtol: 1e-5 })
  })
})
