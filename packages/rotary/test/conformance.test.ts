import { conformanceCases } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { linearScaling, llama3Scaling, ntkScaling, rotary, xPos, yarnScaling } from '../src/index.js'

describe.each([
  ['rotary', rotary({ rotaryDim: 8 })],
  ['rotary, interleaved', rotary({ rotaryDim: 8, pairing: 'interleaved' })],
  ['rotary, one pair', rotary({ rotaryDim: 2, base: 100 })],
  ['linear', rotary({ rotaryDim: 8, scaling: linearScaling({ factor: 4 }) })],
  ['NTK', rotary({ rotaryDim: 8, scaling: ntkScaling({ factor: 4 }) })],
  ['YaRN', rotary({ rotaryDim: 8, scaling: yarnScaling({ factor: 4, originalMaxPositions: 64 }) })],
  ['Llama 3', rotary({ rotaryDim: 8, scaling: llama3Scaling({ factor: 8 }) })],
  ['xPos', xPos({ rotaryDim: 8 })],
  ['xPos, interleaved', xPos({ rotaryDim: 8, pairing: 'interleaved', scaleBase: 1024 })],
])('%s', (_name, strategy) => {
  for (const { name, run } of conformanceCases(strategy)) it(name, run)
})
