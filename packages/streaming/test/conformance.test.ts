import { alibi } from '@alibi/alibi'
import { byLayer, compose, none, type PositionStrategy } from '@alibi/core'
import { conformanceCases } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { sinkLogit, streaming, windowed } from '../src/index.js'

const numHeads = 2

describe.each<[string, () => PositionStrategy]>([
  ['a window', () => windowed({ window: 4 })],
  ['a window and sinks', () => windowed({ window: 4, sinks: 2 })],
  ['sink logits', () => sinkLogit({ numHeads })],
  ['off by one', () => sinkLogit({ numHeads, learned: false })],
  ['ALiBi, streaming', () => streaming(alibi({ numHeads, learned: true }), { window: 4, sinks: 1 })],
  ['all together', () => compose(alibi({ numHeads }), windowed({ window: 4 }), sinkLogit({ numHeads }))],
  ['layers, streaming', () => streaming(byLayer([alibi({ numHeads }), none()]), { window: 4 })],
])('%s', (_what, make) => {
  for (const { name, run } of conformanceCases(make, { differentiable: numericGradients })) it(name, run)
})
