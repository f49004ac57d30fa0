import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { selectBackend } from '@alibi/backend'
import { openTorch, type PickleValue, saveTorch, type Tensor, type TorchValue, tensor } from '@alibi/torch-checkpoint'
import * as tf from '@tensorflow/tfjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadFairseq, readFairseqInfo } from '../src/index.js'
import { type Dictionary, rewrite } from './rewrite.js'

const golden = (name: string) => new URL(`golden/${name}.pt`, import.meta.url).pathname

let folder: string
beforeAll(async () => {
  await selectBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'fairseq-'))
})
afterAll(() => rm(folder, { recursive: true }))

const part = (checkpoint: Dictionary, ...names: string[]) =>
  names.reduce((value, name) => value.get(name) as Dictionary, checkpoint)

async function changed(change: (checkpoint: Dictionary) => void, strategy?: 'alibi' | 'sinusoidal' | 'none') {
  const path = join(folder, 'changed.pt')
  await rewrite(golden('alibi'), path, change)
  return loadFairseq(path, { strategy })
}

describe('options that are not computed exactly are refused by name', () => {
  it.each<[string, PickleValue, string]>([
    ['_name', 'lstm_lm', '_name to be a transformer_lm, got "lstm_lm"'],
    ['tie_adaptive_proj', false, 'tie_adaptive_proj to be True: other variants are not computed, got False'],
    ['tie_adaptive_weights', false, 'tie_adaptive_weights to be True'],
    ['adaptive_input', false, 'adaptive_input to be True'],
    ['adaptive_input_cutoff', '8,21', 'adaptive_input_cutoff to be 8,20, as adaptive_softmax_cutoff, got "8,21"'],
    ['adaptive_input_factor', 4, 'adaptive_input_factor to be 2'],
    ['adaptive_softmax_cutoff', '', 'adaptive_softmax_cutoff to be whole numbers'],
    ['adaptive_softmax_cutoff', '8,x', 'adaptive_softmax_cutoff to be whole numbers'],
    ['decoder_input_dim', 6, 'decoder_input_dim to be 12'],
    ['decoder_output_dim', 6, 'decoder_output_dim to be 12'],
    ['character_embeddings', true, 'character_embeddings to be False'],
    ['layernorm_embedding', true, 'layernorm_embedding to be False'],
    ['decoder_learned_pos', true, 'decoder_learned_pos to be False'],
    ['decoder_normalize_before', false, 'decoder_normalize_before to be True'],
    ['share_decoder_input_output_embed', true, 'share_decoder_input_output_embed to be False'],
    ['add_bos_token', true, 'add_bos_token to be False'],
    ['base_layers', 1, 'base_layers to be 0'],
    ['quant_noise_scalar', 0.5, 'quant_noise_scalar to be 0'],
    ['decoder_layers_to_keep', '0', 'decoder_layers_to_keep to be None'],
    ['activation_fn', 'swish', 'activation_fn to be relu, gelu, gelu_fast, gelu_accurate, got "swish"'],
    ['decoder_layers', '2', 'decoder_layers to be a count ≥ 1, got "2"'],
    [
      'decoder_layers',
      3,
      'expected an array decoder.layers.2.self_attn_layer_norm.weight (for layers.2.attention_norm.',
    ],
    ['decoder_layers', 1, 'expected the arrays of cfg.model, got "decoder.layers.1.'],
    ['decoder_attention_heads', 5, 'expected numHeads to divide modelDim'],
    ['decoder_ffn_embed_dim', 24, 'expected decoder.layers.0.fc1.weight to make [24,12], got [20,12]'],
    ['tokens_per_sample', null, 'tokens_per_sample to be a count'],
    ['no_decoder_final_norm', false, 'expected an array decoder.layer_norm.weight'],
  ])('%s %s', async (name, value, message) => {
    const before = tf.memory().numTensors
    await expect(changed((checkpoint) => part(checkpoint, 'cfg', 'model').set(name, value))).rejects.toThrow(message)
    // Nothing is left of a model that was begun.
    expect(tf.memory().numTensors).toBe(before)
    // So does what reads no weights.
    await expect(readFairseqInfo(join(folder, 'changed.pt'))).rejects.toThrow(message)
  })
})

it('refuses copies of tied arrays that differ', async () => {
  const names = ['head.word_proj.weight', 'tail.0.0.weight', 'tail.1.2.weight'].map(
    (name) => `decoder.adaptive_softmax.${name}`,
  )
  const path = join(folder, 'copies.pt')
  for (const name of names) {
    await flipBit(golden('alibi'), path, name)
    await expect(loadFairseq(path)).rejects.toThrow(`expected ${name} to be decoder.embed_tokens.embeddings.`)
  }
})

/** The checkpoint with the last bit of an array's last number changed, and nothing shared. */
async function flipBit(from: string, to: string, name: string): Promise<void> {
  const file = await openTorch(from)
  const checkpoint = file.value as Dictionary
  const arrays = new Map<string, TorchValue>()
  for (const [each, of] of part(checkpoint, 'model') as Map<string, Tensor>) {
    const data = Float32Array.from(await file.read(of), Number)
    if (each === name) new Uint32Array(data.buffer)[data.length - 1]! ^= 1
    arrays.set(
      each,
      tensor(of.shape, () => data),
    )
  }
  const options = part(checkpoint, 'cfg', 'model') as Map<string, string>
  await file.close()
  await saveTorch(to, { args: null, cfg: { model: options }, model: arrays })
}

describe('the strategy', () => {
  it('is asked for where the file does not say it', async () => {
    await expect(loadFairseq(golden('sinusoidal'))).rejects.toThrow(
      'expected a strategy, alibi, sinusoidal or none, got none asked for',
    )
    await expect(loadFairseq(golden('alibi-args'))).rejects.toThrow('expected a strategy')
    await expect(loadFairseq(golden('sinusoidal'), { strategy: 'none' })).rejects.toThrow(
      'no_token_positional_embeddings to be True for none, got False',
    )
    await expect(loadFairseq(golden('none'), { strategy: 'sinusoidal' })).rejects.toThrow(
      'no_token_positional_embeddings to be False for sinusoidal, got True',
    )
  })

  it('cannot be another than the file says', async () => {
    await expect(loadFairseq(golden('alibi'), { strategy: 'sinusoidal' })).rejects.toThrow(
      'expected the strategy alibi, which the file says (max_tokens in cfg.model), got sinusoidal',
    )
  })
})

it('refuses files that are no checkpoint of fairseq', async () => {
  const path = join(folder, 'other.pt')
  await saveTorch(path, { weights: 1 })
  await expect(loadFairseq(path)).rejects.toThrow(
    'expected a checkpoint of fairseq with a model, got a dictionary of 1',
  )
  await expect(changed((checkpoint) => void checkpoint.set('model', new Map()))).rejects.toThrow(
    'expected decoder.embed_tokens.embeddings.0.0.weight, a table of adaptive_input, got none',
  )
  await expect(changed((checkpoint) => void checkpoint.set('cfg', null))).rejects.toThrow(
    "expected cfg.model or args with the model's options, got None and None",
  )
})
