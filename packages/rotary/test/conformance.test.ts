import { conformanceCases } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { linearScaling, llama3Scaling, ntkScaling, rotary, xPos, yarnScaling } from '../src/index.js'

/** RoFormer, eq. 15. */
const plain = (rotaryDim: number, base: number) => (position: number, pair: number) =>
  position / base ** ((2 * pair) / rotaryDim)

describe.each([
  ['rotary', rotary({ rotaryDim: 8 }), plain(8, 10_000)],
  ['rotary, interleaved', rotary({ rotaryDim: 8, pairing: 'interleaved' }), plain(8, 10_000)],
  ['rotary, base 500 000', rotary({ rotaryDim: 16, base: 500_000 }), plain(16, 500_000)],
  ['rotary, one pair', rotary({ rotaryDim: 2, base: 100 }), plain(2, 100)],
  ['xPos', xPos({ rotaryDim: 8 }), plain(8, 10_000)],
  ['xPos, interleaved', xPos({ rotaryDim: 8, pairing: 'interleaved', scaleBase: 1024 }), plain(8, 10_000)],
  [
    'linear',
    rotary({ rotaryDim: 8, scaling: linearScaling({ factor: 4 }) }),
    (position: number, pair: number) => plain(8, 10_000)(position, pair) / 4,
  ],
] as const)('%s', (_name, strategy, angle) => {
  for (const { name, run } of conformanceCases(strategy, { angle })) it(name, run)
})

describe.each([
  ['NTK', rotary({ rotaryDim: 8, scaling: ntkScaling({ factor: 4 }) })],
  ['YaRN', rotary({ rotaryDim: 8, scaling: yarnScaling({ factor: 4, originalMaxPositions: 64 }) })],
  ['Llama 3', rotary({ rotaryDim: 8, scaling: llama3Scaling({ factor: 8 }) })],
])('%s', (_name, strategy) => {
  for (const { name, run } of conformanceCases(strategy)) it(name, run)
})
