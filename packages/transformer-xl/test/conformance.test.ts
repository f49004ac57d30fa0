import { type ConformanceOptions, conformanceCases } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { deberta, shaw, transformerXl } from '../src/index.js'

const [numHeads, headDim, modelDim] = [2, 3, 4]
const size = { numHeads, headDim }

/** x · a row of a table, through a head's columns of a matrix. */
function through(x: Float64Array, row: ArrayLike<number>, matrix: Float64Array, head: number): number {
  const column = (i: number) =>
    Array.from(row).reduce((sum, value, j) => sum + value * matrix[(j * numHeads + head) * headDim + i]!, 0)
  return x.reduce((sum, value, i) => sum + value * column(i), 0)
}

const product = (a: Float64Array, b: Float64Array, row: number) =>
  a.reduce((sum, value, i) => sum + value * b[row * headDim + i]!, 0)

/** sin, sin, cos, cos of a distance at base 10 000 (Dai et al., 2019, as XLNet has it). */
const sinusoid = (distance: number) => [
  ...[1, 0.01].map((rate) => Math.sin(distance * rate)),
  ...[1, 0.01].map((rate) => Math.cos(distance * rate)),
]

const rowOf = (table: Float64Array, row: number) => table.subarray(row * modelDim, (row + 1) * modelDim)

/** (q + u)·k + q·(r·w), less q·k; the term of v is the bias. */
const xlTerms: ConformanceOptions['terms'] = (head, distance, { q, k }, { w, u }) =>
  through(q, sinusoid(distance), w!, head) + product(k, u!, head)

const xlBias: ConformanceOptions['bias'] = (head, query, key, { w, v }) =>
  through(v!.subarray(head * headDim, (head + 1) * headDim), sinusoid(query - key), w!, head) / Math.sqrt(headDim)

describe.each([true, false])('transformerXl, perLayer %s', (perLayer) => {
  const options = { terms: xlTerms, bias: xlBias, differentiable: numericGradients }
  for (const { name, run } of conformanceCases(() => transformerXl({ ...size, modelDim, perLayer }), options))
    it(name, run)
})

describe.each([true, false])('shaw, bidirectional %s', (bidirectional) => {
  const ahead = bidirectional ? 5 : 0
  /** q·a[clip(distance)] (Shaw et al., 2018, eq. 4). */
  const terms: ConformanceOptions['terms'] = (_head, distance, { q }, { vectors }) =>
    product(q, vectors!, Math.min(5, distance) + ahead)
  const make = () => shaw({ ...size, maxDistance: 5, bidirectional, perLayer: !bidirectional })
  for (const { name, run } of conformanceCases(make, { terms, differentiable: numericGradients })) it(name, run)
})

describe('deberta', () => {
  /** He et al., 2021, eq. 4, with the rows of their code. */
  const terms: ConformanceOptions['terms'] = (head, distance, { q, k }, { table, keyMatrix, queryMatrix }) => {
    const row = rowOf(table!, Math.min(2 * 4 - 1, distance + 4))
    return through(q, row, keyMatrix!, head) + through(k, row, queryMatrix!, head)
  }
  const make = () => deberta({ ...size, modelDim, maxDistance: 4 })
  for (const { name, run } of conformanceCases(make, { terms, differentiable: numericGradients })) it(name, run)
})
