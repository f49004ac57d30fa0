import { alibi } from '@alibi/alibi'
import { cope } from '@alibi/cope'
import { byLayer, defineStrategy, none, type PositionStrategy } from '@alibi/core'
import { forgetting } from '@alibi/forgetting'
import { sinkLogit, streaming, windowed } from '@alibi/streaming'
import { shaw, transformerXl } from '@alibi/transformer-xl'
import { expect, it } from 'vitest'
import { fingerprint } from '../src/plugins/fingerprint.js'

const size = { numHeads: 2, headDim: 4 }

/** The same strategy with other options, or with a hook that computes something else. */
const pairs: readonly (readonly [string, PositionStrategy, PositionStrategy])[] = [
  ['slopes', alibi({ numHeads: 2 }), alibi({ numHeads: 2, scale: 2 })],
  [
    'a gate',
    forgetting({ numHeads: 2, modelDim: 4 }),
    defineStrategy<PositionStrategy>({
      ...forgetting({ numHeads: 2, modelDim: 4 }),
      gate: {
        ...{ numHeads: 2, modelDim: 4 },
        evaluate: (ops, { w, b }, x) => ops.logSigmoid(ops.sub(ops.matmul(x, w!), b!)),
      },
    }),
  ],
  ['terms', shaw({ ...size, maxDistance: 4 }), shaw({ ...size, maxDistance: 4, bidirectional: true })],
  ['sinusoids of terms', transformerXl({ ...size, modelDim: 4 }), transformerXl({ ...size, modelDim: 4, base: 100 })],
  ['scores', cope({ ...size, maxPosition: 3 }), cope({ ...size, maxPosition: 4 })],
  ['a window', windowed({ window: 4 }), windowed({ window: 5 })],
  ['sinks', streaming(none(), { window: 4, sinks: 1 }), streaming(none(), { window: 4, sinks: 2 })],
  [
    'sink logits',
    sinkLogit({ numHeads: 1, learned: false }),
    defineStrategy({ name: 'off-by-one', sink: { numHeads: 1, evaluate: (ops) => ops.tensor([1], [1]) } }),
  ],
  [
    'a layer',
    byLayer([alibi({ numHeads: 2 }), none()], { name: 'mix' }),
    byLayer([none(), alibi({ numHeads: 2 })], { name: 'mix' }),
  ],
]

it.each(pairs)('notices other %s, and nothing else', (_what, one, other) => {
  expect(fingerprint(one)).toBe(fingerprint({ ...one }))
  expect(fingerprint(other)).not.toBe(fingerprint(one))
})
