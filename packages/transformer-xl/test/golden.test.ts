import { readFileSync } from 'node:fs'
import { attentionWeights, type PositionStrategy, positionRange, reference, scopeOf } from '@alibi/core'
import { expect, it } from 'vitest'
import { deberta, shaw, transformerXl } from '../src/index.js'

interface Case {
  readonly q: number[][][]
  readonly k: number[][][]
  readonly parameters: Readonly<Record<string, number[][]>>
  readonly maxDistance: number
  readonly weights: number[][][]
}
type Name = 'transformerXl' | 'shaw' | 'deberta'
const golden: Record<Name, Case> = JSON.parse(readFileSync(new URL('golden/weights.json', import.meta.url), 'utf8'))
const [numHeads, headDim, modelDim, length] = [2, 4, 8, 9]
const size = { numHeads, headDim }

it.each<[string, Name, PositionStrategy]>([
  ['XLNet', 'transformerXl', transformerXl({ ...size, modelDim })],
  [
    'Wav2Vec2-BERT with relative keys',
    'shaw',
    shaw({ ...size, maxDistance: golden.shaw.maxDistance, bidirectional: true }),
  ],
  ['DeBERTa', 'deberta', deberta({ ...size, modelDim, maxDistance: golden.deberta.maxDistance })],
])('weighs as %s of transformers does', (_model, name, strategy) => {
  const { q, k, parameters, weights } = golden[name]
  const pass = {
    ...size,
    q: reference.tensor(q.flat(2), [numHeads, length, headDim]),
    k: reference.tensor(k.flat(2), [numHeads, length, headDim]),
    numQueries: length,
    positions: positionRange(0, length),
  }
  const values = Object.fromEntries(
    Object.entries(parameters).map(([key, rows]) => [
      key,
      reference.tensor(rows.flat(), [rows.length, rows[0]!.length]),
    ]),
  )
  // They compute in fp32.
  expect(attentionWeights(strategy, pass, values)).toBeAllclose(weights, { rtol: 2e-5, atol: 1e-6 })
})

it('shares DeBERTa’s table between layers, and gives each its matrices', () => {
  const strategy = deberta({ ...size, modelDim })
  expect(['table', 'keyMatrix', 'queryMatrix'].map((name) => scopeOf(strategy, name))).toEqual([
    'model',
    'layer',
    'layer',
  ])
})

it.each<[() => PositionStrategy, string]>([
  [() => transformerXl({ ...size, modelDim: 3 }), 'transformerXl: expected an even modelDim, got 3'],
  [() => shaw({ ...size, maxDistance: 0 }), 'shaw: expected an integer maxDistance ≥ 1, got 0'],
  [() => deberta({ ...size, modelDim: 0 }), 'deberta: expected an integer modelDim ≥ 1, got 0'],
])('refuses %s', (make, message) => {
  expect(make).toThrow(message)
})
