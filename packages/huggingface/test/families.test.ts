// The families that came after Llama. tooling/golden/families.py makes sixteen models of each; a few of them are here.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadHuggingFace, readHuggingFaceInfo, saveHuggingFace } from '../src/index.js'
import { type Case, folderOf, fromCache, logits, padded, TOLERANCE, temporary } from './folders.js'

const golden = new URL('golden/families/', import.meta.url)
const files = await Promise.all(
  (await readdir(golden)).map(async (name) => JSON.parse(await readFile(new URL(name, golden), 'utf8'))),
)
const cases = new Map<string, Case>(files.flatMap(({ cases }) => Object.entries<Case>(cases)))
const ids = Int32Array.from(files[0].tokens)

describe.each([...cases])(`%s of transformers ${files[0].versions.transformers}`, (name, each) => {
  it('has its logits, at once, from a cache and left-padded, beyond its train length', async () => {
    const { model, notes } = await loadHuggingFace(await folderOf(each))
    expect(logits(model, [ids])).toBeAllclose(each.logits, TOLERANCE)
    expect(fromCache(model, ids, each.prefill)).toBeAllclose(each.logits, TOLERANCE)
    expect(padded(model, ids)).toBeAllclose(each.logits, TOLERANCE)
    expect(notes).toEqual([])
    model.dispose()
  })

  it('is the same after a round trip', async () => {
    const { model, family, trainLength } = await loadHuggingFace(await folderOf(each))
    const folder = join(temporary, `saved-${name.replace(' ', '-')}`)
    await saveHuggingFace(folder, model, { family, trainLength })
    const again = await loadHuggingFace(folder)
    expect(again.trainLength).toBe(trainLength)
    expect(again.model.config).toEqual(model.config)
    // Gemma's weights are 1 less than what they multiply by: a digit is lost on the way.
    expect(logits(again.model, [ids])).toBeAllclose(logits(model, [ids]), { rtol: 0, atol: 1e-5 })
  })
})

describe('refuses, before any array is read and in one line,', () => {
  const sliding = ['sliding_attention', 'full_attention', 'full_attention']
  const refused: [name: string, change: Record<string, unknown>, message: string][] = [
    ['mistral 6', { sliding_window: 0 }, 'expected sliding_window to be a whole number ≥ 1'],
    ['mistral 6', { attention_bias: true }, 'got attention_bias true'],
    ['mistral 6', { layer_types: sliding }, 'got layer_types ["sliding_attention"'],
    ['mistral 6', { head_dim: 7 }, 'leaves whole pairs of 7 (got 7 features)'],
    ['qwen2 3', { layer_types: ['full_attention'] }, 'expected layer_types to be 3 of full_attention and sliding'],
    ['qwen2 3', { layer_types: ['chunked_attention', 'x', 'y'] }, 'got layer_types ["chunked_attention"'],
    [
      'qwen2 3',
      { use_sliding_window: false },
      'expected use_sliding_window true and a sliding_window with layer_types',
    ],
    ['qwen2 3', { sliding_window: null }, 'expected use_sliding_window true and a sliding_window with layer_types'],
    ['qwen3 9', { head_dim: 8 }, 'config.json is of another model'],
    ['qwen3 9', { num_experts: 128 }, 'got num_experts 128'],
    ['smollm3 9', { no_rope_layers: [1] }, 'expected no_rope_layers to be 0 or 1 for each of 5 layers'],
    ['smollm3 9', { no_rope_layers: [1, 1, 2, 1, 1] }, 'got no_rope_layers [1,1,2,1,1]'],
    ['smollm3 9', { use_sliding_window: false }, 'expected use_sliding_window true and a sliding_window'],
    ['gemma3 3', { attn_logit_softcapping: 50 }, 'got attn_logit_softcapping 50'],
    ['gemma3 3', { use_bidirectional_attention: true }, 'got use_bidirectional_attention true'],
    ['gemma3 3', { query_pre_attn_scalar: 0 }, 'got query_pre_attn_scalar 0'],
    ['gemma3 3', { final_logit_softcapping: 0 }, 'got final_logit_softcapping 0'],
    ['gemma3 3', { rope_scaling: { rope_type: 'linear', factor: 8 } }, 'put it into rope_parameters.full_attention'],
    ['gemma3 6', { rope_scaling: { type: 'linear', factor: 8 } }, 'got rope_scaling.type "linear"'],
    ['gemma3 3', { rope_parameters: { rope_type: 'default' } }, 'expected no rope_parameters.rope_type'],
    [
      'gemma3 3',
      { rope_parameters: { full_attention: { rope_type: 'yarn', factor: 4, truncate: false } } },
      'got rope_parameters.full_attention.truncate false',
    ],
    [
      'gemma3 3',
      { rope_parameters: { full_attention: { rope_type: 'longrope' } } },
      'got rope_parameters.full_attention.rope_type "longrope"',
    ],
    ['phi3 12', { rope_parameters: { rope_type: 'linear', factor: 4 } }, 'got rope_parameters.rope_type "linear"'],
    [
      'phi3 12',
      { rope_parameters: { rope_type: 'longrope', short_factor: [1, 1], long_factor: [1, 1] } },
      'expected short_factor to have 4 numbers, one a pair, in config.json, got rope_parameters.short_factor [1,1]',
    ],
    ['phi3 12', { original_max_position_embeddings: 9 }, 'got rope_parameters.original_max_position_embeddings 10'],
    ['opt 3', { word_embed_proj_dim: 12 }, 'expected word_embed_proj_dim 24'],
    ['opt 3', { num_attention_heads: 5 }, 'expected num_attention_heads to divide the width, 24,'],
    ['falcon 1', { num_kv_heads: 2 }, 'expected num_kv_heads 6'],
    [
      'falcon 1',
      { apply_residual_connection_post_layernorm: true },
      'got apply_residual_connection_post_layernorm true',
    ],
    ['falcon 7', { num_ln_in_parallel_attn: 2 }, 'got num_ln_in_parallel_attn 2'],
    ['falcon 10', { parallel_attn: false }, 'got parallel_attn false'],
    ['falcon 10', { num_kv_heads: 4 }, 'expected num_kv_heads to divide num_attention_heads, 6,'],
    ['olmo2 4', { sliding_window: 64 }, 'got sliding_window 64'],
    ['olmo2 4', { clip_qkv: 8 }, 'got clip_qkv 8'],
    ['olmo3 1', { rope_theta: 10_000 }, 'got rope_theta 10000'],
  ]
  it.each(refused)('%s with %j', async (name, change, message) => {
    const { config, arrays } = cases.get(name)!
    const error: Error = await readHuggingFaceInfo(await folderOf({ config: { ...config, ...change }, arrays })).then(
      () => expect.unreachable(),
      (error) => error,
    )
    expect(error.message).toMatch(/^loadHuggingFace\b[^\n]*: expected [^\n]+, got [^\n]+$/)
    expect(error.message).toContain(message)
    expect(error.message).toMatch(/config\.json|model\.safetensors/)
  })
})

it('names biases that the config turns off', async () => {
  const { config, arrays } = cases.get('qwen3 9')!
  const { notes } = await readHuggingFaceInfo(await folderOf({ config: { ...config, attention_bias: false }, arrays }))
  expect(notes).toEqual([
    '8 arrays of the file that no model of this family has, not read: model.layers.0.self_attn.k_proj.bias, model.layers.0.self_attn.o_proj.bias, model.layers.0.self_attn.q_proj.bias and 5 more',
  ])
})

it('takes what a class of transformers takes where config.json does not say it', async () => {
  const info = async (name: string, without: readonly string[], more: Record<string, unknown> = {}) => {
    const { config, arrays } = cases.get(name)!
    const kept = Object.entries(config).filter(([field]) => !without.includes(field))
    return readHuggingFaceInfo(await folderOf({ config: { ...Object.fromEntries(kept), ...more }, arrays }))
  }
  // Mistral has a window of 4096 then, Phi-3 none.
  expect((await info('mistral 2', [])).strategy).toBe('rotary')
  expect((await info('mistral 2', ['sliding_window'])).strategy).toBe('windowed-rotary')
  expect((await info('phi3 13', ['sliding_window'])).strategy).toBe('rotary')
  await expect(info('mistral 6', ['num_key_value_heads'])).rejects.toThrow('got no num_key_value_heads')
  await expect(info('qwen3 9', ['head_dim'])).rejects.toThrow('to make [4,384], got [4,4]')
})
