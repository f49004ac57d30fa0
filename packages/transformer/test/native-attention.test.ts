// The operations of our own compute the right numbers, with every instruction set that this processor has.
import { selectBackend } from '@alibi/backend'
import { positionRange, type Rotation, rotationTables } from '@alibi/core'
import { rotary, xPos } from '@alibi/rotary'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { attentionCases } from '../src/conformance/index.js'
import { packTables } from '../src/kernels/attention/packed-rotation.js'
import { type AttentionKernel, refusal } from '../src/kernels/attention/kernel.js'
import { applyRotation, toDevice } from '../src/kernels/plain/rotate.js'
import { native } from '../src/kernels/tensorflow/attention.js'
import { attend, attendProjected, type Case, long, prepare, problemOf, relativeError, results, tensor, uneven } from './kernel-cases.js'
import { seed } from './seed.js'

const unavailable = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
const named = (what: string) => `${what}${unavailable ? ` (skipped: ${unavailable})` : ''}`

const cases: Record<string, Case> = {
  ...long,
  'nothing added': { dims: [2, 3, 70, 70, 8], kind: 'none' },
  'slopes': { dims: [2, 3, 130, 130, 32], kind: 'linear' },
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
  refuses: (problem) => native.refuses({ ...problem, numQueries: 512, numKeys: 512 }),
}

describe.skipIf(unavailable)(named('the native kernel holds the suite of all kernels'), () => {
  for (const { name, run } of unavailable ? [] : attentionCases(anySize, { headDim: 16 })) it(name, run)
})

describe.skipIf(unavailable)(named('native attention'), () => {
  beforeAll(async () => void (await tf.setBackend('tensorflow')))

  it.each(Object.entries(cases))(`equals float64, and its gradients: %s (seed ${seed})`, async (_name, each) => {
    const { inputs, weight, options, want } = prepare(each)
    const compute = (...[q, k, v, ...others]: tf.Tensor[]) =>
      attend(native, q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, options(...others))
    const got = await results(compute, inputs, tensor(weight, inputs[0]!.shape))
    got.forEach((values, i) => {
      const error = relativeError(values as Float32Array, want[i]!, i === 0 ? undefined : each.cancels)
      expect(error, `${i}`).toBeLessThan(i === 0 ? 1e-5 : 1e-4)
    })
  })
})
