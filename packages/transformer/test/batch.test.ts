import { expect, it } from 'vitest'
import { trainingBatch } from '../src/index.js'

const options = { batchSize: 3, trainLength: 8, seed: 1, step: 0 }

it('takes rows of one text at most one longer than the train length', () => {
  expect(trainingBatch(new Int32Array(9), options).map(({ length }) => length)).toEqual([9, 9, 9])
})

it.each([
  [
    new Float32Array(20),
    {},
    'trainingBatch: expected tokens as an Int32Array, or with a length and a subarray, got Float32Array',
  ],
  [{ subarray: () => new Int32Array(9) }, {}, 'trainingBatch: expected tokens as an Int32Array'],
  [new Int32Array(8), {}, 'trainingBatch: expected more than 8 tokens for trainLength 8, got 8'],
  [new Int32Array(20), { batchSize: 0 }, /^trainingBatch: expected .*batchSize.*, got 0/],
  [new Int32Array(20), { trainLength: 1.5 }, /^trainingBatch: expected .*trainLength.*, got 1.5/],
  [new Int32Array(20), { seed: Number.NaN }, /^trainingBatch: expected .*seed.*, got NaN/],
  [new Int32Array(20), { step: -1 }, /^trainingBatch: expected .*step.*, got -1/],
])('refuses what makes no batch: %#', (tokens, wrong, message) => {
  expect(() => trainingBatch(tokens as Int32Array, { ...options, ...wrong })).toThrow(message)
})
