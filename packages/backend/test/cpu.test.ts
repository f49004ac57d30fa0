import * as tf from '@tensorflow/tfjs'
import { expect, it } from 'vitest'
import { selectBackend } from '../src/index.js'

it("adds rows of a segment to the last bit as TensorFlow.js's own kernel does, and those out of range nowhere", async () => {
  const x = tf.tensor3d(
    Float32Array.from({ length: 60 * 2 * 3 }, (_, i) => Math.sin(i ** 2)),
    [60, 2, 3],
  )
  const ids = tf.tensor1d(
    Int32Array.from({ length: 60 }, (_, i) => ((i + 1) ** 2 % 9) - 1),
    'int32',
  )
  const own = () => tf.unsortedSegmentSum(x, ids, 7)
  await tf.setBackend('cpu')
  const before = own()
  await selectBackend('cpu')
  const after = own()
  expect(after.shape).toEqual([7, 2, 3])
  expect(after.dtype).toBe(before.dtype)
  expect(await after.data()).toEqual(await before.data())
})
