import { readFileSync } from 'node:fs'
import { reference as ops, positionRange } from '@alibi/core'
import { expect, it } from 'vitest'
import { sinusoidal } from '../src/index.js'

const golden = JSON.parse(readFileSync(new URL('golden/rows.json', import.meta.url), 'utf8'))

it.each(['vaswani', 'fairseq'] as const)('has the rows of transformers’ code in the layout of %s', (layout) => {
  const { embedding } = sinusoidal({ modelDim: golden.modelDim, layout })
  const rows = embedding.evaluate(ops, {}, positionRange(0, golden[layout].length))
  // Theirs are sines of fp32 angles up to 13: 13·2⁻²⁴ off.
  expect(rows).toBeAllclose(golden[layout], { rtol: 0, atol: 2e-6 })
})
