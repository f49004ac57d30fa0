import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { alibi } from '@alibi/alibi'
import { rotary, xPos } from '@alibi/rotary'
import { learned, sinusoidal } from '@alibi/sinusoidal'
import { saveTorch, tensor } from '@alibi/torch-checkpoint'
import { createModel, type Model } from '@alibi/transformer'
import { decodeSafetensors, encodeSafetensors } from '@alibi/transformer/node'
import { describe, expect, it } from 'vitest'
import { huggingFaceArchitecture, huggingFaceFamilies, loadHuggingFace, saveHuggingFace } from '../src/index.js'
import { type Case, folderOf, fromCache, logits, ownModel, padded, TOLERANCE, temporary, values } from './folders.js'

const golden = fileURLToPath(new URL('golden', import.meta.url))
const { versions, tokens, ...cases } = JSON.parse(await readFile(join(golden, 'huggingface.json'), 'utf8'))
const ids = Int32Array.from(tokens)
const named = Object.entries(cases) as [string, Case][]
const caseOf = (name: string): Case => cases[name]

/** What is read but has no exact form to write. */
const notWritten: Record<string, string> = {
  'mpt, 6 heads, clipped': "expected ALiBi with the paper's slopes for mpt, got [0.0625,",
}

describe.each(named)(`%s of transformers ${versions.transformers}`, (name, each) => {
  it('has its logits, at once, from a cache and left-padded', async () => {
    const { model } = await loadHuggingFace(await folderOf(each))
    expect(logits(model, [ids])).toBeAllclose(each.logits, TOLERANCE)
    expect(fromCache(model, ids)).toBeAllclose(each.logits, TOLERANCE)
    expect(padded(model, ids)).toBeAllclose(each.logits, TOLERANCE)
    model.dispose()
  })

  it('is the same after a round trip', async () => {
    const { model, family, trainLength } = await loadHuggingFace(await folderOf(each))
    const folder = join(temporary, `saved-${family}`)
    const save = saveHuggingFace(folder, model, { family, trainLength, files: { 'tokenizer.json': '{}' } })
    const refusal = notWritten[name]
    if (refusal) return expect(save).rejects.toThrow(refusal)
    await save
    const again = await loadHuggingFace(folder)
    expect(again.trainLength).toBe(trainLength)
    expect(again.model.config).toEqual(model.config)
    expect(logits(again.model, [ids])).toEqual(logits(model, [ids]))
    const saved = decodeSafetensors(await readFile(join(folder, 'model.safetensors')))
    for (const [name, shape] of Object.entries(each.arrays))
      expect(saved.get(name), name).toEqual({ shape, data: values(name, shape) })
    expect(await readFile(join(folder, 'tokenizer.json'), 'utf8')).toBe('{}')
  })
})

it('reads shards of bfloat16', async () => {
  const folder = join(golden, 'llama-sharded')
  const expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8'))
  const { model } = await loadHuggingFace(folder)
  expect(logits(model, [Int32Array.from(expected.tokens)])).toBeAllclose(expected.logits, TOLERANCE)
})

it('reads pytorch_model.bin, in one file or several, where there are no safetensors', async () => {
  const each = caseOf('bloom')
  const folder = await folderOf(each)
  const want = logits((await loadHuggingFace(folder)).model, [ids])
  const arrays = [...decodeSafetensors(await readFile(join(folder, 'model.safetensors')))]
  const stateDict = (part: typeof arrays) =>
    new Map(part.map(([name, { shape, data }]) => [name, tensor(shape, () => data)] as const))
  await rm(join(folder, 'model.safetensors'))
  await expect(loadHuggingFace(folder)).rejects.toThrow('expected model.safetensors or pytorch_model.bin')

  await saveTorch(join(folder, 'pytorch_model.bin'), stateDict(arrays))
  expect(logits((await loadHuggingFace(folder)).model, [ids])).toEqual(want)

  await rm(join(folder, 'pytorch_model.bin'))
  const halves = [arrays.slice(0, 5), arrays.slice(5)]
  const nameOf = (i: number) => `pytorch_model-0000${i + 1}-of-00002.bin`
  for (const [i, half] of halves.entries()) await saveTorch(join(folder, nameOf(i)), stateDict(half))
  const index = { weight_map: Object.fromEntries(halves.flatMap((half, i) => half.map(([name]) => [name, nameOf(i)]))) }
  await writeFile(join(folder, 'pytorch_model.bin.index.json'), JSON.stringify(index))
  expect(logits((await loadHuggingFace(folder)).model, [ids])).toEqual(want)
})

it('reads files of the body alone', async () => {
  const each = caseOf('bloom')
  const whole = await loadHuggingFace(await folderOf(each))
  const folder = await folderOf(each)
  const saved = decodeSafetensors(await readFile(join(folder, 'model.safetensors')))
  const short = new Map([...saved].map(([name, array]) => [name.replace('transformer.', ''), array]))
  await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(short))
  const { model } = await loadHuggingFace(folder)
  expect(logits(model, [ids])).toEqual(logits(whole.model, [ids]))
  expect(whole.trainLength).toBeUndefined()
})

it('reads the configurations of before transformers 5', async () => {
  const same = async (name: string, legacy: Record<string, unknown>) => {
    const { config, arrays } = caseOf(name)
    const { rope_parameters, ...rest } = config
    const [now, before] = [
      await loadHuggingFace(await folderOf({ config, arrays })),
      await loadHuggingFace(await folderOf({ config: { ...rest, ...legacy }, arrays })),
    ]
    expect(logits(before.model, [ids])).toEqual(logits(now.model, [ids]))
  }
  await same('gpt_neox', { rotary_pct: 0.25, rotary_emb_base: 10_000 })
  await same('gpt_neox, sequential', { rotary_pct: 0.5 })
  await same('llama', { rope_theta: 10_000, rope_scaling: null })
  await same('llama, linear', { rope_scaling: { type: 'linear', factor: 4 } })
  await same('llama, yarn', { rope_scaling: { type: 'yarn', factor: 8, original_max_position_embeddings: 8 } })
})

const [numHeads, modelDim] = [3, 24]
const own: [string, string, () => Model][] = [
  ['bloom', 'the usual', () => ownModel('bloom', alibi({ numHeads }))],
  ['mpt', 'clipped', () => ownModel('mpt', alibi({ numHeads }), { clipQkv: 0.4 })],
  ['gpt_neox', 'the usual', () => ownModel('gpt_neox', rotary({ rotaryDim: 6, base: 5000 }))],
  ['llama', 'one head of keys', () => ownModel('llama', rotary({ rotaryDim: 8 }), { numKeyValueHeads: 1, mlpDim: 40 })],
  ['gpt2', 'the usual', () => ownModel('gpt2', learned({ modelDim, maxPositions: 16 }))],
  [
    'gpt2',
    'our own',
    () =>
      createModel(
        { vocabularySize: 11, numLayers: 1, modelDim, numHeads, activation: 'relu' },
        learned({ modelDim, maxPositions: 16 }),
      ),
  ],
  [
    'gpt_neox',
    'our own',
    () => createModel({ vocabularySize: 11, numLayers: 1, modelDim, numHeads }, rotary({ rotaryDim: 8 })),
  ],
]

it.each(own)('writes a model of ours as %s (%s) that reads the same', async (family, _variant, make) => {
  const model = make()
  const folder = join(temporary, `own-${family}`)
  await saveHuggingFace(folder, model, { family, trainLength: 16 })
  const { model: read, trainLength } = await loadHuggingFace(folder)
  const row = Int32Array.from({ length: 14 }, (_, i) => (7 * i * i + 1) % 11)
  expect(logits(read, [row])).toBeAllclose(logits(model, [row]), { rtol: 0, atol: 1e-5 })
  expect(trainLength).toBe(16)
})

describe('refuses in one line', () => {
  const altered: [string, string, Record<string, unknown>, string][] = [
    [
      'another family',
      'bloom',
      { model_type: 'gpt_neo' },
      'expected model_type bloom, mpt, gpt_neox, llama, gpt2, mistral, qwen2, qwen3, smollm3, gemma3_text, phi3, opt, falcon, olmo2, olmo3, got gpt_neo',
    ],
    [
      'a mixture of experts',
      'llama',
      { model_type: 'gpt_oss', num_local_experts: 32 },
      'got gpt_oss with num_local_experts 32: mixtures of experts are not read',
    ],
    [
      'MPT without ALiBi',
      'mpt',
      { attn_config: { alibi: false } },
      'expected attn_config.alibi true: other variants are not supported, in config.json, got attn_config.alibi false',
    ],
    [
      'MPT with shared keys',
      'mpt',
      { attn_config: { attn_type: 'multiquery_attention' } },
      'got attn_config.attn_type "multiquery_attention"',
    ],
    ['MPT with another scale', 'mpt', { attn_config: { softmax_scale: 0.1 } }, 'got attn_config.softmax_scale 0.1'],
    [
      'post-norm BLOOM',
      'bloom',
      { apply_residual_connection_post_layernorm: true },
      'got apply_residual_connection_post_layernorm true',
    ],
    [
      'dynamic rotary',
      'llama',
      { rope_parameters: { rope_type: 'dynamic', factor: 2 } },
      'expected rope_parameters.rope_type "default" or "linear" or "yarn" or "llama3" or "longrope"',
    ],
    [
      'longrope without factors',
      'llama',
      { rope_parameters: null, rope_scaling: { type: 'longrope' } },
      'expected rope_scaling.short_factor to be a list of numbers > 0 in config.json, got no rope_scaling.short_factor',
    ],
    ['heads of another width', 'gpt2', { head_dim: 16 }, 'got head_dim 16'],
    [
      'heads of another width than the arrays',
      'llama',
      { head_dim: 16 },
      'to make [32,128], got [32,32] + [16,32] + [16,32]; config.json is of another model',
    ],
    ['quantised weights', 'llama', { quantization_config: { bits: 4 } }, 'got quantization_config {"bits":4}'],
    ['an unknown activation', 'gpt2', { activation_function: 'quick_gelu' }, 'got activation_function "quick_gelu"'],
    [
      'layer-wise scales',
      'gpt2',
      { scale_attn_by_inverse_layer_idx: true },
      'got scale_attn_by_inverse_layer_idx true',
    ],
    [
      'a missing size',
      'gpt2',
      { n_layer: null },
      'expected n_layer or num_hidden_layers in config.json, got no n_layer',
    ],
    [
      'a size of another model',
      'gpt2',
      { n_layer: 3 },
      'expected an array transformer.h.2.ln_1.weight (for layers.2.attention_norm.scale), as config.json has it, got none',
    ],
    [
      'another width',
      'llama',
      { intermediate_size: 45 },
      'gate_proj.weight to make [32,45], got [44,32]; config.json is of another model',
    ],
  ]
  it.each(altered)('%s', async (_what, name, change, message) => {
    const { config, arrays } = caseOf(name)
    const load = loadHuggingFace(await folderOf({ config: { ...config, ...change }, arrays }))
    const error = await load.then(
      () => undefined,
      (error: Error) => error,
    )
    expect(error?.message).toContain(message)
    expect(error?.message).not.toContain('\n')
  })

  it('folders without what is needed', async () => {
    const folder = await folderOf(caseOf('gpt2'))
    await rm(join(folder, 'model.safetensors'))
    await writeFile(join(folder, 'model.h5'), '')
    await expect(loadHuggingFace(folder)).rejects.toThrow(
      'expected model.safetensors or pytorch_model.bin, or an index of one',
    )
    await expect(loadHuggingFace(folder)).rejects.toThrow('got model.h5; save it with save_pretrained')
    await writeFile(join(folder, 'model.safetensors.index.json'), '{"weight_map": {"x": "model-1.safetensors"}}')
    await expect(loadHuggingFace(folder)).rejects.toThrow('expected model-1.safetensors, of which')
    await writeFile(join(folder, 'model.safetensors'), 'not one')
    await expect(loadHuggingFace(folder)).rejects.toThrow('at least 8 bytes, got 7; the file is damaged')
    await expect(loadHuggingFace(temporary)).rejects.toThrow('expected a folder with a config.json')
  })

  it('arrays of whole numbers', async () => {
    const folder = await folderOf(caseOf('gpt2'))
    const path = join(folder, 'model.safetensors')
    const bytes = await readFile(path)
    await writeFile(path, bytes.toString('latin1').replace('"F32"', '"I32"'), 'latin1')
    await expect(loadHuggingFace(folder)).rejects.toThrow(
      'of F64, F32, F16, BF16, got I32; quantised weights are not read',
    )
  })

  const models: [string, string, () => Model, string][] = [
    [
      'an architecture of another family',
      'bloom',
      () => ownModel('mpt', alibi({ numHeads })),
      'expected activation gelu for bloom, got gelu-exact',
    ],
    [
      'another encoding',
      'bloom',
      () => ownModel('bloom', sinusoidal({ modelDim })),
      "ALiBi with the paper's slopes for bloom, got sinusoidal",
    ],
    ['trained slopes', 'mpt', () => ownModel('mpt', alibi({ numHeads, learned: true })), 'got trained slopes'],
    ['xPos', 'llama', () => ownModel('llama', xPos({ rotaryDim: 8 })), 'got xpos'],
    [
      'interleaved pairing',
      'llama',
      () => ownModel('llama', rotary({ rotaryDim: 8, pairing: 'interleaved' })),
      'got interleaved pairing',
    ],
    [
      'half-rotating Llamas',
      'llama',
      () => ownModel('llama', rotary({ rotaryDim: 4 })),
      'got a share of 0.5; try gpt_neox',
    ],
    [
      'an MLP of another width',
      'mpt',
      () => ownModel('mpt', alibi({ numHeads }), { mlpDim: 30 }),
      'expected mlpDim 96 for mpt, got 30',
    ],
    [
      'no final norm',
      'gpt2',
      () => ownModel('gpt2', learned({ modelDim, maxPositions: 8 }), { finalNorm: false }),
      'expected finalNorm true',
    ],
    [
      'adaptive input',
      'gpt2',
      () => ownModel('gpt2', learned({ modelDim, maxPositions: 8 }), { adaptiveCutoffs: [4] }),
      'one table of embeddings for gpt2, got adaptive input with cutoffs 4',
    ],
  ]
  it.each(models)('to write %s', async (_what, family, make, message) => {
    await expect(saveHuggingFace(join(temporary, 'refused'), make(), { family })).rejects.toThrow(message)
  })

  it('families that it does not know', async () => {
    expect(huggingFaceFamilies).toContain('gemma3_text')
    expect(() => huggingFaceArchitecture('gpt_neo')).toThrow('expected model_type bloom, mpt')
  })
})
