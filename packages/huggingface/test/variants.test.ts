// Checkpoints that are not as transformers saves them: people and tools change them. Each either gives what transformers
// computes of it or is refused in a line that names the file and the field.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeSafetensors } from '@alibi/transformer/node'
import { describe, expect, it } from 'vitest'
import { loadHuggingFace, readHuggingFaceInfo } from '../src/index.js'
import { type Case, folderOf, logits, TOLERANCE } from './folders.js'

const read = async (name: string) => JSON.parse(await readFile(new URL(`golden/${name}.json`, import.meta.url), 'utf8'))
const { versions, tokens, ...variants } = await read('variants')
const { versions: _, tokens: more, ...usual } = await read('huggingface')
const caseOf = (name: string): Case => usual[name]
const changed = async (name: string, change: Record<string, unknown>, arrays: Record<string, number[]> = {}) => {
  const { config, arrays: own } = caseOf(name)
  return folderOf({ config: { ...config, ...change }, arrays: { ...own, ...arrays } })
}

describe(`of transformers ${versions.transformers}`, () => {
  it.each(Object.entries(variants) as [string, Case][])('%s', async (_name, each) => {
    const { model } = await loadHuggingFace(await folderOf(each))
    expect(logits(model, [Int32Array.from(tokens)])).toBeAllclose(each.logits, TOLERANCE)
    model.dispose()
  })
})

describe('says in a line', () => {
  const notesOf = async (each: Omit<Case, 'logits'>) => {
    const { model, notes } = await loadHuggingFace(await folderOf(each))
    model.dispose()
    return notes
  }
  const heads = Object.keys(variants).filter((name) => name.endsWith('with a head of its own'))

  it.each(heads)('%s: which head is used', async (name) => {
    expect(await notesOf(variants[name])).toEqual([
      'config.json ties the head to the embedding, and the file has a head of other values: that one is used, as in transformers',
    ])
  })

  it('which of two rotations counts', async () => {
    expect(await notesOf(variants['llama, both, linear'])).toEqual([
      'config.json has rope_scaling and rope_parameters: rope_scaling alone counts, as in transformers',
    ])
    expect(await notesOf(variants['llama, an empty rope_scaling'])).toEqual([])
  })

  it('which arrays nothing reads', async () => {
    const { config, arrays } = caseOf('llama')
    const one = { 'model.layers.0.self_attn.q_proj.bias': [32] }
    expect(await notesOf({ config, arrays: { ...arrays, ...one } })).toEqual([
      'an array of the file that no model of this family has, not read: model.layers.0.self_attn.q_proj.bias',
    ])
    const four = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, [1]]))
    expect(await notesOf({ config, arrays: { ...arrays, ...four } })).toEqual([
      '4 arrays of the file that no model of this family has, not read: a, b, c and 1 more',
    ])
    const buffers = { 'model.layers.0.self_attn.rotary_emb.inv_freq': [4], 'lm_head.weight': [48, 32] }
    expect(await notesOf({ config, arrays: { ...arrays, ...buffers } })).toEqual([])
  })

  it('nothing of a folder as transformers saves it', async () => {
    for (const name of Object.keys(usual)) expect(await notesOf(caseOf(name)), name).toEqual([])
  })
})

it('reads float64 as float32', async () => {
  const folder = await folderOf(caseOf('gpt2'))
  const path = join(folder, 'model.safetensors')
  const arrays = decodeSafetensors(await readFile(path))
  const header: Record<string, unknown> = {}
  let at = 0
  for (const [name, { shape, data }] of arrays) {
    header[name] = { dtype: 'F64', shape, data_offsets: [at, at + 8 * data.length] }
    at += 8 * data.length
  }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  const doubles = [...arrays.values()].map(({ data }) => Buffer.from(Float64Array.from(data).buffer))
  await writeFile(path, Buffer.concat([length, text, ...doubles]))
  const { model } = await loadHuggingFace(folder)
  expect(logits(model, [Int32Array.from(more)])).toBeAllclose(caseOf('gpt2').logits, TOLERANCE)
})

describe('refuses, before any array is read and in one line,', () => {
  const rope = (more: Record<string, unknown>) => ({ rope_parameters: { rope_type: 'yarn', factor: 2, ...more } })
  const refused: [family: string, change: Record<string, unknown>, message: string][] = [
    ['llama', { rope_scaling: { type: 'dynamic', factor: 2 } }, 'got rope_scaling.type "dynamic"'],
    ['llama', { rope_parameters: { rope_type: 'proportional' } }, 'got rope_parameters.rope_type "proportional"'],
    [
      'llama',
      { rope_parameters: { full_attention: { rope_type: 'default' }, sliding_attention: { rope_type: 'default' } } },
      'expected no rope_parameters.full_attention in config.json',
    ],
    ['llama', { rope_parameters: { rope_type: 'default', factor: 4 } }, 'expected no rope_parameters.factor'],
    ['llama', { rope_parameters: { rope_type: '__proto__' } }, 'got rope_parameters.rope_type "__proto__"'],
    [
      'llama',
      { rope_parameters: [] },
      'expected rope_parameters to be an object in config.json, got rope_parameters []',
    ],
    ['llama', { rope_parameters: { rope_type: 'linear' } }, 'expected rope_parameters.factor to be a number'],
    ['llama', { rope_parameters: { rope_type: 'linear', factor: null } }, 'got no rope_parameters.factor'],
    ['llama', { rope_parameters: { rope_type: 'linear', factor: 0.5 } }, 'got rope_parameters.factor 0.5'],
    ['llama', rope({ factor: '8' }), 'got rope_parameters.factor "8"'],
    ['llama', rope({ attention_factor: 0 }), 'got rope_parameters.attention_factor 0'],
    ['llama', rope({ mscale: -1 }), 'got rope_parameters.mscale -1'],
    ['llama', rope({ truncate: 'no' }), 'got rope_parameters.truncate "no"'],
    ['llama', rope({ beta_fast: 1, beta_slow: 2 }), 'got rope_parameters.beta_fast 1'],
    ['llama', rope({ long_factor: [1] }), 'got rope_parameters.long_factor [1]'],
    ['llama', { rope_parameters: { rope_type: 'llama3', factor: 8 } }, 'got no rope_parameters.low_freq_factor'],
    ['llama', { rope_parameters: { rope_theta: -1 } }, 'got rope_parameters.rope_theta -1'],
    ['llama', { rotary_emb_base: 500 }, 'got rotary_emb_base 500'],
    ['gpt_neox', { rope_theta: 500 }, 'got rope_theta 500'],
    ['gpt_neox', { rope_parameters: null, rotary_pct: 0 }, 'got rotary_pct 0'],
    ['gpt_neox', { rope_parameters: null, rotary_pct: 1.5 }, 'got rotary_pct 1.5'],
    ['llama', { sliding_window: 64 }, 'expected no sliding_window in config.json, got sliding_window 64'],
    ['llama', { layer_types: ['full_attention', 'sliding_attention'] }, 'got layer_types ["full_attention",'],
    ['llama', { attn_logit_softcapping: 50 }, 'got attn_logit_softcapping 50'],
    ['llama', { final_logit_softcapping: 30 }, 'got final_logit_softcapping 30'],
    ['llama', { logits_scaling: 8 }, 'got logits_scaling 8'],
    ['llama', { residual_multiplier: 0.22 }, 'got residual_multiplier 0.22'],
    ['llama', { embedding_multiplier: 12 }, 'got embedding_multiplier 12'],
    ['llama', { attention_multiplier: 0.0156 }, 'got attention_multiplier 0.0156'],
    ['llama', { query_pre_attn_scalar: 224 }, 'got query_pre_attn_scalar 224'],
    ['llama', { no_rope_layers: [1, 0] }, 'got no_rope_layers [1,0]'],
    ['llama', { use_qk_norm: true }, 'got use_qk_norm true'],
    ['llama', { num_local_experts: 8 }, 'got num_local_experts 8'],
    ['llama', { alibi: true }, 'got alibi true'],
    ['llama', { use_parallel_residual: true }, 'got use_parallel_residual true'],
    ['llama', { num_key_value_heads: 3 }, 'expected num_key_value_heads to divide num_attention_heads, 4,'],
    ['gpt2', { n_head: 5 }, 'expected n_head to divide the width, 32,'],
    ['llama', { num_attention_heads: 5 }, 'expected num_key_value_heads to divide num_attention_heads, 5,'],
    ['llama', { num_attention_heads: 5, head_dim: null }, 'expected num_attention_heads to divide the width, 32,'],
    ['llama', { rms_norm_eps: 0 }, 'got rms_norm_eps 0'],
    ['llama', { tie_word_embeddings: 'yes' }, 'got tie_word_embeddings "yes"'],
    ['bloom', { alibi: false }, 'got alibi false'],
    ['bloom', { n_inner: 7 }, 'got n_inner 7'],
    [
      'bloom',
      { n_embed: 64 },
      'expected hidden_size to be the same as n_embed, 64, in config.json, got hidden_size 32',
    ],
    ['mpt', { attn_config: { alibi_bias_max: -8 } }, 'got attn_config.alibi_bias_max -8'],
    ['mpt', { attn_config: { clip_qkv: -1 } }, 'got attn_config.clip_qkv -1'],
    ['mpt', { attn_config: 7 }, 'expected attn_config to be an object in config.json, got attn_config 7'],
    ['mpt', { logit_scale: 'inv_sqrt_d_model' }, 'got logit_scale "inv_sqrt_d_model"'],
    ['mpt', { no_bias: false }, 'got no_bias false'],
    ['gpt2', { scale_attn_weights: false }, 'got scale_attn_weights false'],
    ['gpt2', { pruned_heads: { 0: [1] } }, 'got pruned_heads {"0":[1]}'],
    ['gpt2', { is_encoder_decoder: true }, 'got is_encoder_decoder true'],
    ['gpt2', { n_positions: 128 }, 'to make [128,32], got [64,32]; config.json is of another model'],
    ['gpt2', { n_layer: 1e9 }, 'expected n_layer to be a whole number from 1 to 1048576'],
    ['gpt2', { n_layer: 1e5 }, 'expected arrays of 100000 layers, as config.json has them, got'],
    ['bloom', { n_head: 1e9, hidden_size: 1e9 }, 'got hidden_size 1000000000'],
    ['llama', { vocab_size: 1e15 }, 'to make [1000000000000000,32], got [48,32]'],
    ['llama', { intermediate_size: 1e12 }, 'config.json is of another model'],
  ]
  it.each(refused)('%s with %j', async (name, change, message) => {
    const error: Error = await readHuggingFaceInfo(await changed(name, change)).then(
      () => expect.unreachable(),
      (error) => error,
    )
    expect(error.message).toMatch(/^loadHuggingFace\b[^\n]*: expected [^\n]+, got [^\n]+$/)
    expect(error.message).toContain(message)
    expect(error.message).toMatch(/config\.json|model\.safetensors/)
  })

  it('a head of another shape than the embedding that it is tied to', async () => {
    const read = readHuggingFaceInfo(await changed('gpt2', {}, { 'lm_head.weight': [48, 16] }))
    await expect(read).rejects.toThrow('expected lm_head.weight of shape [48,32], got [48,16]')
  })
})

it('takes the fields that say nothing', async () => {
  const nothing = {
    ...{ sliding_window: 64, use_sliding_window: false, layer_types: ['full_attention', 'full_attention'] },
    ...{ head_dim: 8, logit_scale: 1, num_experts: 0, quantization_config: null, pruned_heads: {} },
  }
  const { model } = await loadHuggingFace(await changed('llama', nothing))
  expect(logits(model, [Int32Array.from(more)])).toBeAllclose(caseOf('llama').logits, TOLERANCE)
})
