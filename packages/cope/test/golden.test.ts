import { readFileSync } from 'node:fs'
import { attentionScores, attentionWeights, positionRange, type ReferenceTensor, reference } from '@alibi/core'
import { expect, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { cope } from '../src/index.js'

interface Golden {
  readonly q: number[][][]
  readonly k: number[][][]
  readonly embeddings: number[][]
  readonly weights: number[][][]
  readonly gradients: number[][]
}
const golden: Golden = JSON.parse(readFileSync(new URL('golden/weights.json', import.meta.url), 'utf8'))
const [numHeads, length, headDim] = [2, 9, 4]
const strategy = cope({ numHeads, headDim, maxPosition: golden.embeddings.length - 1 })
const embeddings = reference.tensor(golden.embeddings.flat(), [golden.embeddings.length, headDim])
const pass = {
  q: reference.tensor(golden.q.flat(2), [numHeads, length, headDim]),
  k: reference.tensor(golden.k.flat(2), [numHeads, length, headDim]),
  numHeads,
  headDim,
  numQueries: length,
  positions: positionRange(0, length),
}

it('weighs as the authors’ code does', () => {
  // They compute in float64; the numbers have 12 digits.
  expect(attentionWeights(strategy, pass, { embeddings })).toBeAllclose(golden.weights, { rtol: 1e-10, atol: 1e-12 })
})

it('has their gradients', async () => {
  const seen = (parameters: Record<string, ReferenceTensor>) => {
    const { shape, data } = attentionScores(reference, strategy, parameters, pass)
    return [{ shape, data: data.map((score) => (score < -1e29 ? 0 : score)) }]
  }
  const got = await numericGradients.gradients(seen, { embeddings })
  // Central differences of step 1e-4.
  expect(reference.tensor(got.embeddings!, embeddings.shape)).toBeAllclose(golden.gradients, { rtol: 1e-6, atol: 1e-6 })
})

it.each([
  [{ numHeads: 1, headDim: 0 }, 'cope: expected an integer headDim ≥ 1, got 0'],
  [{ numHeads: 1, headDim: 4, maxPosition: 1.5 }, 'cope: expected an integer maxPosition ≥ 1, got 1.5'],
  [{ numHeads: 1, headDim: 4, maxPositions: 8 }, 'got maxPositions; did you mean maxPosition?'],
])('refuses %j', (options, message) => {
  expect(() => cope(options)).toThrow(message)
})
