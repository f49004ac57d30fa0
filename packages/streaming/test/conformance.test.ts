import { alibi } from '@alibi/alibi'
import { byLayer, compose, none, type PositionStrategy } from '@alibi/core'
import { conformanceCases } from '@alibi/core/conformance'
import { rotary, xPos } from '@alibi/rotary'
import { describe, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { sinkLogit, streaming, windowed } from '../src/index.js'

const numHeads = 2
const inCache = { window: 4, sinks: 2, positions: 'cache', numHeads, headDim: 4 } as const

describe.each<[string, () => PositionStrategy]>([
  ['a window', () => windowed({ window: 4 })],
  ['a window and sinks', () => windowed({ window: 4, sinks: 2 })],
  ['sink logits', () => sinkLogit({ numHeads })],
  ['off by one', () => sinkLogit({ numHeads, learned: false })],
  ['ALiBi, streaming', () => streaming(alibi({ numHeads, learned: true }), { window: 4, sinks: 1 })],
  ['rotary, places in the cache', () => streaming(rotary({ rotaryDim: 4 }), inCache)],
  ['xPos, places in the cache', () => streaming(xPos({ rotaryDim: 2 }), inCache)],
  [
    'learned slopes, places in the cache',
    () => streaming(compose(rotary({ rotaryDim: 4 }), alibi({ numHeads, learned: true })), inCache),
  ],
  ['all together', () => compose(alibi({ numHeads }), windowed({ window: 4 }), sinkLogit({ numHeads }))],
  ['layers, streaming', () => streaming(byLayer([alibi({ numHeads }), none()]), { window: 4 })],
])('%s', (_what, make) => {
  for (const { name, run } of conformanceCases(make, { differentiable: numericGradients })) it(name, run)
})
