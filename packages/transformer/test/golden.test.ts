import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, it } from 'vitest'
import { attention } from '../src/index.js'

const golden = JSON.parse(readFileSync(new URL('golden/attention.json', import.meta.url), 'utf8'))

beforeAll(async () => {
  await tf.setBackend('cpu')
})

// PyTorch's numbers are float64; ours are fp32 sums of at most 14 products of numbers around 1.
const FP32 = { rtol: 1e-5, atol: 2e-6 }

it.each(['full', 'decoding'])('has PyTorch’s outputs and gradients with ALiBi (%s)', async (name) => {
  const { weight, out, gradients, ...inputs } = golden[name]
  const names = ['q', 'k', 'v', 'slopes'] as const
  const tensors = names.map((each) => tf.tensor(inputs[each]))
  const [numQueries, numKeys] = [inputs.q[0][0].length, inputs.k[0][0].length]
  const positions = (count: number) => tf.range(numKeys - count, numKeys, 1, 'int32') as tf.Tensor1D
  const attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, slopes: tf.Tensor) =>
    attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, {
      bias: { kind: 'linear', slopes, queries: positions(numQueries), keys: positions(numKeys), consecutive: true },
      trainBias: true,
      queriesPerTile: 3,
    })
  const [q, k, v, slopes] = tensors as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
  expect(await attend(q, k, v, slopes).array()).toBeAllclose(out, FP32)
  const loss = (...all: tf.Tensor[]) =>
    tf.sum(tf.mul(attend(...(all as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor])), tf.tensor(weight)))
  const computed = tf.grads(loss as Parameters<typeof tf.grads>[0])(tensors)
  for (const [i, each] of names.entries()) expect(await computed[i]!.array()).toBeAllclose(gradients[each], FP32)
})
