// bench inspect: right, from headers alone, and everything that is refused by name.
import { cp, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { forgetting } from '@alibi/forgetting'
import { huggingFaceArchitecture, saveHuggingFace } from '@alibi/huggingface'
import { gemmaLocal, linearScaling } from '@alibi/rotary'
import { createKvCache, createModel } from '@alibi/transformer'
import type * as tf from '@tensorflow/tfjs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { describePositions, layerRanges } from '../src/checkpoints/described-positions.js'
import { factsOf } from '../src/checkpoints/inspect.js'
import { byteTokenizer } from '../src/data/tokenizer/tokenizer.js'
import { copyOf } from './checkpoint-folders.js'
import { bench } from './command-line.js'

/** Bytes that were read through handles and as whole files. */
const bytes = vi.hoisted(() => ({ read: 0 }))
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  return {
    ...fs,
    async open(...args: Parameters<typeof fs.open>) {
      const file = await fs.open(...args)
      const { read, readFile } = file
      file.read = (async (...given: unknown[]) => {
        const result = await Reflect.apply(read, file, given)
        bytes.read += result.bytesRead
        return result
      }) as never
      file.readFile = (async (...given: unknown[]) => {
        const result = await Reflect.apply(readFile, file, given)
        bytes.read += result.length
        return result
      }) as never
      return file
    },
    async readFile(...args: Parameters<typeof fs.readFile>) {
      const result = await fs.readFile(...args)
      bytes.read += result.length
      return result
    },
  }
})

const bloom = fileURLToPath(new URL('golden/bloom', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-inspect-'))
})
afterAll(() => rm(folder, { recursive: true }))

const json = async (...words: string[]) => {
  const { code, stdout, stderr } = await bench('inspect', ...words, '--json')
  expect(code, stderr.join('\n')).toBe(0)
  return JSON.parse(stdout.join(''))
}
/** Of what is refused: the same, and the line that it ends with. */
const refusal = async (...words: string[]) => {
  const { code, stdout, stderr } = await bench('inspect', ...words, '--json')
  expect(code).toBe(1)
  expect(stderr).toHaveLength(1)
  return { ...JSON.parse(stdout.join('')), line: stderr[0]! }
}

it('tells what a folder of transformers has', async () => {
  const { stdout } = await bench('inspect', bloom, '--length', '1000')
  const config = JSON.parse(await readFile(join(bloom, 'config.json'), 'utf8'))
  const text = stdout.join('\n')
  expect(text).toContain('family        bloom, Hugging Face transformers')
  expect(text).toContain('positions     alibi, slopes ')
  expect(text).toContain('train length  32 tokens')
  expect(stdout.filter((line) => line.length > 80 && !line.startsWith('path'))).toEqual([])
  const read = await json(bloom)
  expect(read.model.sizes).toMatchObject({ numLayers: config.n_layer, modelDim: config.hidden_size })
  expect(read.bytesOnDisk).toBe((await stat(join(bloom, 'model.safetensors'))).size)
  expect(read.model.bytesInMemory).toBe(4 * read.model.parameters)
  expect(read.cache.tokens).toBe(32)
  expect((await json(bloom, '--length', '64')).cache.bytes).toBe(2 * read.cache.bytes)
})

it('reads the headers of weights and nothing else', async () => {
  // A model of a billion parameters whose file has no numbers yet.
  const [V, D, layers] = [50_000, 2048, 24]
  const shapes: [string, number[]][] = [
    ['transformer.word_embeddings.weight', [V, D]],
    ...['word_embeddings_layernorm', 'ln_f'].flatMap((name): [string, number[]][] =>
      ['weight', 'bias'].map((part) => [`transformer.${name}.${part}`, [D]]),
    ),
    ...Array.from({ length: layers }, (_, layer) => `transformer.h.${layer}`).flatMap((at): [string, number[]][] => [
      ...['input_layernorm', 'post_attention_layernorm'].flatMap((name): [string, number[]][] =>
        ['weight', 'bias'].map((part) => [`${at}.${name}.${part}`, [D]]),
      ),
      [`${at}.self_attention.query_key_value.weight`, [3 * D, D]],
      [`${at}.self_attention.query_key_value.bias`, [3 * D]],
      [`${at}.self_attention.dense.weight`, [D, D]],
      [`${at}.self_attention.dense.bias`, [D]],
      [`${at}.mlp.dense_h_to_4h.weight`, [4 * D, D]],
      [`${at}.mlp.dense_h_to_4h.bias`, [4 * D]],
      [`${at}.mlp.dense_4h_to_h.weight`, [D, 4 * D]],
      [`${at}.mlp.dense_4h_to_h.bias`, [D]],
    ]),
  ]
  let end = 0
  const entries = shapes.map(([name, shape]) => {
    const from = end
    end += 2 * shape.reduce((a, b) => a * b, 1)
    return [name, { dtype: 'BF16', shape, data_offsets: [from, end] }]
  })
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const large = join(folder, 'large')
  await mkdir(large)
  await writeFile(join(large, 'model.safetensors'), Buffer.concat([length, header]))
  await truncate(join(large, 'model.safetensors'), 8 + header.length + end)
  const config = { model_type: 'bloom', vocab_size: V, hidden_size: D, n_layer: layers, n_head: 16, seq_length: 2048 }
  await writeFile(join(large, 'config.json'), JSON.stringify(config))
  await writeFile(join(large, 'tokenizer.json'), byteTokenizer.files()['tokenizer.json']!)
  bytes.read = 0
  const { model, bytesOnDisk } = await json(large)
  expect(model.parameters).toBe(end / 2)
  expect(model.stored).toEqual({ BF16: end / 2 })
  expect(bytesOnDisk).toBe(8 + header.length + end)
  // config.json is read for itself and for its model_type.
  expect(bytes.read).toBeGreaterThan(header.length)
  expect(bytes.read).toBeLessThan(header.length + 10_000)
})

it('tells positions by layer', async () => {
  const at = join(folder, 'gemma')
  const strategy = gemmaLocal({ rotaryDim: 8, window: 16, localLayers: 2, globalScaling: linearScaling({ factor: 8 }) })
  const sizes = { vocabularySize: 256, numLayers: 5, modelDim: 16, numHeads: 4, headDim: 8, numKeyValueHeads: 2 }
  const model = createModel({ ...sizes, ...huggingFaceArchitecture('gemma3_text') }, strategy)
  await saveHuggingFace(at, model, { family: 'gemma3_text', trainLength: 64, files: byteTokenizer.files() })
  const { stdout } = await bench('inspect', at)
  const text = stdout.join('\n').replaceAll(/\s+/g, ' ')
  expect(text).toContain(
    'positions layers 0–1, 3–4: rotary, 8 of 8 features of a head, base 10,000; a window of 16 keys layer 2: rotary, 8 of 8 features of a head, base 1,000,000, scaled: linear (factor 8) parameters',
  )
  expect(text).toContain('heads 4 of 8 features, 2 of keys and values')
  model.dispose()
})

it('knows what a cache holds', async () => {
  const numHeads = 2
  const sizes = { vocabularySize: 11, numLayers: 2, modelDim: 8, numHeads }
  const own = createModel(sizes, forgetting({ numHeads, modelDim: 8 }))
  const cache = createKvCache()
  own.forward([Int32Array.of(1, 2, 3, 4)], { cache }).dispose()
  const held = [0, 1].flatMap((layer) => Object.values(cache.tokensOf(layer)) as tf.Tensor[])
  const described = { config: sizes, strategy: own.strategy, trainLength: 4, stored: {} }
  const { cacheBytesPerToken } = factsOf(described)
  expect(4 * cacheBytesPerToken).toBe(4 * held.reduce((sum, { size }) => sum + size, 0))
  cache.dispose()
})

it('names every field that is refused, with its file', async () => {
  const at = join(folder, 'refused')
  await cp(bloom, at, { recursive: true })
  const config = JSON.parse(await readFile(join(bloom, 'config.json'), 'utf8'))
  await writeFile(join(at, 'config.json'), JSON.stringify({ ...config, alibi: false, qk_norm: true, scale_emb: 12 }))
  const { refused, model, family, line } = await refusal(at)
  expect(family).toBe('bloom')
  expect(model).toBe(undefined)
  expect(refused).toHaveLength(3)
  for (const field of ['alibi false', 'qk_norm true', 'scale_emb 12'])
    expect(refused.some((line: string) => line.includes(`in config.json, got ${field}`))).toBe(true)
  expect(line).toBe(
    `bench: inspect: expected a model that can be loaded, got ${at}: ${refused[0]}; 2 more are printed above`,
  )
  // A person sees all of them before that line.
  const shown = await bench('inspect', at)
  expect(shown.code).toBe(1)
  expect(shown.stdout.filter((each) => each.startsWith('refused '))).toHaveLength(3)
  expect(shown.stderr).toEqual([line])
  await writeFile(join(at, 'config.json'), JSON.stringify({ ...config, model_type: 'mamba' }))
  const mamba = await refusal(at)
  expect(mamba.refused[0]).toContain('got mamba')
  expect(mamba.line).toBe(`bench: inspect: expected a model that can be loaded, got ${at}: ${mamba.refused[0]}`)
  await writeFile(join(at, 'config.json'), JSON.stringify({ ...config, n_layer: 7 }))
  expect((await refusal(at)).refused[0]).toContain('expected an array')
  await writeFile(join(at, 'config.json'), '{')
  expect((await refusal(at)).refused[0]).toContain('config.json, got other text')
})

it('refuses a folder whose words cannot be read, and says what it is all the same', async () => {
  const at = join(folder, 'words')
  await cp(bloom, at, { recursive: true })
  await writeFile(join(at, 'tokenizer.json'), '{"model": {"vocab": 3}}')
  const { refused, model } = await refusal(at)
  expect(refused).toEqual([expect.stringContaining(`tokenizer: tokenizer.json in ${at}`)])
  expect(model.strategy).toBe('alibi')
  await rm(join(at, 'tokenizer.json'))
  expect((await refusal(at)).refused).toEqual([expect.stringContaining(`expected a tokenizer.json in ${at}, got none`)])
})

it('tells what a checkpoint and a run of the bench have', async () => {
  const checkpoint = await copyOf('checkpoint')
  const { model, writer } = await json(checkpoint)
  expect(writer).toBe('bench')
  expect(model).toMatchObject({ strategy: 'alibi', trainLength: 4, sizes: { numLayers: 1, vocabularySize: 256 } })
  const run = join(folder, 'run')
  for (const name of ['alibi-seed1', 'alibi-seed2'])
    await cp(checkpoint, join(run, 'checkpoints', name), { recursive: true })
  await writeFile(join(run, 'checkpoints', 'alibi-seed2', 'checkpoint.json'), '{}')
  const { stdout, stderr, code } = await bench('inspect', run)
  expect(code).toBe(1)
  expect(stderr.at(-1)).toMatch(
    /^bench: inspect: expected a model that can be loaded, got \S+alibi-seed2: loadCheckpoint: /,
  )
  expect(stdout[0]).toMatch(/^alibi-seed1 {3}alibi, train length 4, [\d,]+ parameters, [\d.]+ kB$/)
  expect(stdout[1]).toMatch(/^alibi-seed2 {3}refused: loadCheckpoint: expected /)
  expect((await refusal(run)).checkpoints).toHaveLength(2)
})

it('refuses a checkpoint whose tokenizer is of another vocabulary', async () => {
  const at = await copyOf('checkpoint')
  const file = join(at, 'checkpoint.json')
  const description = JSON.parse(await readFile(file, 'utf8'))
  const metadata = { ...description.metadata, tokenizer: { kind: 'words', words: ['<unk>', '<eos>'] } }
  const { 'checkpoint.json': _own, ...sha256 } = description.sha256
  await writeFile(file, JSON.stringify({ ...description, metadata, sha256 }))
  const { code, stderr } = await bench('inspect', at)
  expect(stderr.at(-1)).toContain(`expected a tokenizer of 256 tokens in ${at}, as its model has, got one of 2`)
  expect(code).toBe(1)
})

it('tells what a file of fairseq has, and what it does not say', async () => {
  const golden = new URL('../../../packages/fairseq/test/golden/', import.meta.url)
  const { model } = await json(fileURLToPath(new URL('paper-tiny.pt', golden)))
  expect(model).toMatchObject({
    strategy: 'alibi',
    positions: [{ positions: expect.stringContaining('alibi, slopes') }],
  })
  const plain = fileURLToPath(new URL('none.pt', golden))
  expect((await json(plain, '--strategy', 'none')).model.strategy).toBe('none')
  const { stdout } = await bench('inspect', plain)
  expect(stdout.join('\n')).toContain('positions     not said; give --strategy alibi, sinusoidal or none')
})

it.each([
  [
    ['nowhere'],
    'inspect: expected a folder with a model, a run, or a file of fairseq, got nowhere, which is not there',
  ],
  [[tmpdir()], 'checkpoint: expected checkpoint.json, as the bench writes it, or config.json'],
  [[join(bloom, 'model.safetensors')], `got model.safetensors of such a folder; take ${bloom}`],
  [[bloom, '--strategy', 'alibi'], `checkpoint: expected no --strategy for ${bloom}, got alibi`],
  [[bloom, '--length', '0'], 'length'],
  [[bloom, '--length', 'x'], '--length: expected a number, got x'],
])('refuses %j', async (words, message) => {
  const { code, stderr } = await bench('inspect', ...words)
  expect(stderr.at(-1)).toContain(message)
  expect(code).toBe(1)
})

it('names a config.json that is a folder', async () => {
  const at = join(folder, 'nested')
  await mkdir(join(at, 'config.json'), { recursive: true })
  const { code, stderr } = await bench('inspect', at)
  expect(stderr).toEqual([`bench: inspect: expected a file, got ${join(at, 'config.json')}, which is a folder`])
  expect(code).toBe(1)
})

it('writes ranges of layers', () => {
  expect(layerRanges([0, 1, 2, 4, 6, 7])).toBe('0–2, 4, 6–7')
  expect(describePositions({ specVersion: 1, name: 'none' }, 3, 8)).toEqual([{ layers: [0, 1, 2], positions: 'none' }])
})
