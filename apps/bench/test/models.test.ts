// bench models: what it says is what the readers go by, and a page of 80 columns.
import { fairseqOnly } from '@alibi/fairseq'
import { huggingFaceFamilies } from '@alibi/huggingface'
import { describeHuggingFaceFamilies } from '@alibi/huggingface/families'
import { strategyNames } from '@alibi/strategies'
import { expect, it } from 'vitest'
import { bench } from './command-line.js'

it('lists every family with its positions and what is refused', async () => {
  const { code, stdout } = await bench('models')
  expect(code).toBe(0)
  expect(stdout.filter((line) => line.length > 80)).toEqual([])
  for (const name of huggingFaceFamilies) expect(stdout.some((line) => line.startsWith(`${name}, `))).toBe(true)
  const text = stdout.join('\n').replaceAll(/\s+/g, ' ')
  expect(text).toContain('phi3, Phi3ForCausalLM positions rotary (plain, longrope); a window in every layer')
  expect(text).toContain('attention_bias unless false, mlp_bias unless false, lm_head_bias unless false')
  expect(text).toContain(
    'smollm3, SmolLM3ForCausalLM positions rotary (plain, linear, yarn, llama3, longrope); a window',
  )
  for (const name of [...strategyNames, ...Object.keys(fairseqOnly)]) expect(text).toContain(name)
})

it('prints the same as JSON', async () => {
  const { stdout } = await bench('models', '--json')
  const read = JSON.parse(stdout.join(''))
  expect(read.transformers).toEqual(JSON.parse(JSON.stringify(describeHuggingFaceFamilies())))
  expect(Object.keys(read)).toEqual(['transformers', 'fairseq', 'checkpoints'])
})
