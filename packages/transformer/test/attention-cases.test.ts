// Our kernels of attention hold the suite that anybody's must hold; the fused one in a file of the webgpu tests.
import { selectBackend } from '@alibi/backend'
import { describe, expect, it } from 'vitest'
import { attentionCases } from '../src/conformance/index.js'
import { general } from '../src/kernels/attention/general/general.js'
import { skipping } from '../src/kernels/attention/skipping/long-attention.js'
import { tiled } from '../src/kernels/attention/tiled/tiled.js'
import { windowed } from '../src/kernels/attention/windowed.js'

await selectBackend('cpu')

describe.each([
  ['tiled', attentionCases(tiled)],
  ['windowed', attentionCases(windowed)],
  ['general', attentionCases(general)],
  ['skipping', attentionCases(skipping, { numQueries: 1024, headDim: 4 })],
] as const)('%s', (_, cases) => {
  for (const { name, run } of cases) it(name, run)
})

it('is as long as there are problems that a kernel takes', () => {
  const names = (kernel: typeof tiled) => attentionCases(kernel).map(({ name }) => name)
  expect(names(tiled).filter((name) => name.includes('window'))).toEqual([])
  expect(names(windowed).filter((name) => name.startsWith('computes') && !name.includes('window'))).toEqual([])
  expect(names(tiled)).toContain('computes attention and its gradients with slopes, positions far apart')
})
