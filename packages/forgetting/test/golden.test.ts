import { readFileSync } from 'node:fs'
import { alibi } from '@alibi/alibi'
import { attentionWeights, initialParameters, positionRange, reference } from '@alibi/core'
import { expect, it } from 'vitest'
import { forgetting } from '../src/index.js'

interface Golden {
  readonly q: number[][][]
  readonly k: number[][][]
  readonly x: number[][]
  readonly w: number[][]
  readonly b: number[]
  readonly gates: number[][]
  readonly weights: number[][][]
}
const golden: Golden = JSON.parse(readFileSync(new URL('golden/weights.json', import.meta.url), 'utf8'))
const [numHeads, length, headDim, modelDim] = [2, 7, 4, 6]
const pass = {
  q: reference.tensor(golden.q.flat(2), [numHeads, length, headDim]),
  k: reference.tensor(golden.k.flat(2), [numHeads, length, headDim]),
  x: reference.tensor(golden.x.flat(), [length, modelDim]),
  numHeads,
  headDim,
  numQueries: length,
  positions: positionRange(0, length),
}
// They compute in fp32.
const FP32 = { rtol: 1e-5, atol: 1e-6 }

it('gates and weighs as flash-linear-attention does', () => {
  const strategy = forgetting({ numHeads, modelDim })
  const parameters = {
    w: reference.tensor(golden.w.flat(), [modelDim, numHeads]),
    b: reference.tensor(golden.b, [numHeads]),
  }
  expect(strategy.gate.evaluate(reference, parameters, pass.x)).toBeAllclose(golden.gates, FP32)
  expect(attentionWeights(strategy, pass, parameters)).toBeAllclose(golden.weights, FP32)
})

it('starts as ALiBi where it is given slopes', () => {
  const slopes = [0.5, 0.003]
  const ours = attentionWeights(forgetting({ numHeads, modelDim, slopes }), pass)
  expect(ours).toBeAllclose(attentionWeights(alibi({ numHeads, slopes }), pass), { rtol: 1e-12 })
})

it('starts where it is told', () => {
  const { parameters } = forgetting({ numHeads, modelDim, startBias: 5 })
  expect([...initialParameters(reference, parameters).b!.data]).toEqual([5, 5])
})

it.each([
  [{ numHeads: 0, modelDim: 4 }, 'forgetting: expected an integer numHeads ≥ 1, got 0'],
  [{ numHeads: 2, modelDim: 4, slopes: [1] }, 'forgetting: expected 2 slopes, one a head, got 1'],
  [{ numHeads: 1, modelDim: 4, slopes: [0] }, 'forgetting: expected a finite slope > 0, got 0'],
  [{ numHeads: 1, modelDim: 4, slopes: [1], startBias: 1 }, 'forgetting: expected slopes or startBias, got both'],
  [{ numHeads: 1, modelDim: 4, startBias: Number.NaN }, 'forgetting: expected a finite startBias, got NaN'],
])('refuses %j', (options, message) => {
  expect(() => forgetting(options)).toThrow(message)
})
