// Files of checkpoints that somebody damaged or wrote on purpose, signed again where there is a signature. Each is refused in
// one line of ours, soon, and before anything of a model is made.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import { loadCheckpoint } from '@alibi/transformer/node'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import { openCheckpoint } from '../src/checkpoints/open.js'
import { copyOf } from './checkpoint-folders.js'

const TIME_LIMIT = 5_000
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

async function expectRefused(open: () => Promise<unknown>, contains = ''): Promise<void> {
  const { numTensors, numBytes } = tf.memory()
  const error: unknown = await open().then(
    () => expect.unreachable('it was taken'),
    (error) => error,
  )
  const { message } = error as Error
  expect(message).toMatch(/^[^\n]*expected [^\n]+ got [^\n]+$/)
  expect(message).toContain(contains)
  expect(message).not.toMatch(/Cannot |is not a|undefined|Unexpected|Invalid|NaN|\[object|at position/)
  expect(message.length).toBeLessThan(600)
  expect(tf.memory()).toMatchObject({ numTensors, numBytes })
}

/** A safetensors file with another header before its data. */
function withHeader(bytes: Buffer, change: (header: Record<string, unknown>) => unknown): Buffer {
  const length = Number(bytes.readBigUInt64LE())
  const changed = change(JSON.parse(bytes.subarray(8, 8 + length).toString()))
  const header = Buffer.from(typeof changed === 'string' ? changed : JSON.stringify(changed))
  const start = Buffer.alloc(8)
  start.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([start, header, bytes.subarray(8 + length)])
}

const entry = (more: Record<string, unknown>) => (header: Record<string, unknown>) => {
  const [first] = Object.keys(header).filter((name) => name !== '__metadata__')
  return { ...header, [first!]: { ...(header[first!] as object), ...more } }
}
const offsets = (header: Record<string, unknown>, at: number) =>
  (Object.entries(header).filter(([name]) => name !== '__metadata__')[at]![1] as { data_offsets: number[] })
    .data_offsets

const headers: [string, (header: Record<string, unknown>) => unknown][] = [
  ...['null', '7', '"x"', '[]', 'true', '', 'not json', '{}', '{', '{"a":null}', '\ufeff{}'].map(
    (text) => [`header ${text}`, () => text] as [string, () => string],
  ),
  ...[null, 7, 'F32', [], {}, true].map(
    (value) => [`entry ${JSON.stringify(value)}`, (header) => ({ ...header, x: value })] as (typeof headers)[number],
  ),
  ...[null, 7, '', '__proto__', 'constructor', 'F31', 'f32', ['F32'], {}].map(
    (dtype) => [`dtype ${JSON.stringify(dtype)}`, entry({ dtype })] as (typeof headers)[number],
  ),
  ...[null, 'abc', 5, {}, [-1], [1.5], ['2'], [null], [1e300], [2 ** 53], [[8]], [0], [2 ** 31, 2 ** 31]].map(
    (shape) => [`shape ${JSON.stringify(shape)}`, entry({ shape })] as (typeof headers)[number],
  ),
  ...[null, '0', 7, [], [0], [0, 1, 2], [4, 0], [-4, 0], [0, 1e15], [0.5, 4.5], ['0', '4'], [0, null], {}].map(
    (data_offsets) =>
      [`data_offsets ${JSON.stringify(data_offsets)}`, entry({ data_offsets })] as (typeof headers)[number],
  ),
  ['arrays that overlap', (header) => entry({ data_offsets: offsets(header, 1), shape: [8] })(header)],
  ['one array less', (header) => Object.fromEntries(Object.entries(header).slice(0, -1))],
  ['a gap', (header) => Object.fromEntries(Object.entries(header).filter((_, i) => i !== 1))],
  ['a name twice', (header) => JSON.stringify(header).replace(/^\{("[^"]+"):(\{[^}]*\})/, '{$1:$2,$1:$2')],
  ['__metadata__ null', (header) => ({ ...header, __metadata__: null })],
  ['__metadata__ of numbers', (header) => ({ ...header, __metadata__: { a: 1 } })],
]

const files: [string, (bytes: Buffer) => Buffer][] = [
  ['nothing', () => Buffer.alloc(0)],
  ['seven bytes', (bytes) => bytes.subarray(0, 7)],
  ['a header of 2⁶⁴ − 1 bytes', (bytes) => Buffer.concat([Buffer.alloc(8, 0xff), bytes.subarray(8)])],
  ['a header of no bytes', (bytes) => Buffer.concat([Buffer.alloc(8), bytes.subarray(8)])],
  ['its first half', (bytes) => bytes.subarray(0, bytes.length / 2)],
  ['a byte more', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
  ['a byte less', (bytes) => bytes.subarray(0, -1)],
  ['text', () => Buffer.from('a file of another kind, which is longer than eight bytes')],
  ...headers.map(([name, change]) => [name, (bytes: Buffer) => withHeader(bytes, change)] as (typeof files)[number]),
]

describe.each(files)('safetensors: %s', (_name, change) => {
  it('in model.safetensors', { timeout: TIME_LIMIT }, async () => {
    const folder = await copyOf('transformers')
    const path = join(folder, 'model.safetensors')
    await writeFile(path, change(await readFile(path)))
    await expectRefused(() => openCheckpoint(folder, () => {}))
  })

  it.each(['weights.safetensors', 'optimizer.safetensors'])('in %s', { timeout: TIME_LIMIT }, async (name) => {
    const folder = await copyOf('checkpoint')
    const bytes = change(await readFile(join(folder, name)))
    await writeFile(join(folder, name), bytes)
    await describeAgain(folder, (json) => ({ ...json, sha256: { ...(json.sha256 as object), [name]: sha256(bytes) } }))
    await expectRefused(() => openCheckpoint(folder, () => {}))
  })
})

/** Changes checkpoint.json and signs it as somebody would who knows how. */
async function describeAgain(folder: string, change: (json: Record<string, unknown>) => unknown): Promise<void> {
  const path = join(folder, 'checkpoint.json')
  const { 'checkpoint.json': _, ...hashes } = JSON.parse(await readFile(path, 'utf8')).sha256
  const json = change({ ...JSON.parse(await readFile(path, 'utf8')), sha256: hashes }) as Record<string, unknown>
  if (typeof json?.sha256 === 'object' && json.sha256 !== null)
    json.sha256 = { ...json.sha256, 'checkpoint.json': sha256(JSON.stringify(json)) }
  await writeFile(path, JSON.stringify(json))
}

const set =
  (path: string, value: unknown) =>
  (json: Record<string, unknown>): Record<string, unknown> => {
    const [first, ...rest] = path.split('.') as [string, ...string[]]
    const inner = json[first] as Record<string, unknown>
    return { ...json, [first]: rest.length ? set(rest.join('.'), value)(inner) : value }
  }

const odd = [null, -1, 1.5, 1e300, 'x', [], {}, true]
const descriptions: [string, (json: Record<string, unknown>) => unknown][] = [
  ...[null, 7, 'x', [], true, {}].map((json) => [`${JSON.stringify(json)}`, () => json] as [string, () => unknown]),
  ...['step', 'random.seed', 'microBatches', 'config.numLayers', 'config.modelDim', 'config.numHeads'].flatMap((path) =>
    odd.map((value) => [`${path} ${JSON.stringify(value)}`, set(path, value)] as (typeof descriptions)[number]),
  ),
  ...['config.numLayers', 'config.modelDim', 'config.numHeads', 'config.mlpDim', 'config.vocabularySize'].flatMap(
    (path) => [1e9, 2 ** 40, 3].map((value) => [`${path} ${value}`, set(path, value)] as (typeof descriptions)[number]),
  ),
  ...['strategy', 'sha256', 'config', 'optimizer', 'random', 'metadata', 'formatVersion'].flatMap((path) =>
    [null, 7, undefined, []].map(
      (value) => [`${path} ${JSON.stringify(value)}`, set(path, value)] as (typeof descriptions)[number],
    ),
  ),
  ...['tiedHead', 'finalNorm', 'normEpsilon', 'activation', 'norm', 'dropout', 'adaptiveCutoffs', 'clipQkv'].map(
    (name) => [`config.${name} "x"`, set(`config.${name}`, 'x')] as (typeof descriptions)[number],
  ),
  ['optimizer.kind', set('optimizer.kind', '__proto__')],
  ['optimizer.learningRate', set('optimizer.learningRate', 'fast')],
  ['optimizer.beta1', set('optimizer.beta1', null)],
  ['a hash of something else', set('sha256.x', 'f'.repeat(64))],
  ['a hash that is none', (json) => ({ ...json, sha256: { ...(json.sha256 as object), 'weights.safetensors': 'x' } })],
  ['another strategy', set('strategy', 'rotary-of-mine')],
  ['the strategy __proto__', set('strategy', '__proto__')],
  ['metadata.seed of another', set('metadata.seed', 2)],
  ['metadata.trainLength', set('metadata.trainLength', 'long')],
  ['metadata.tokenizer null', set('metadata.tokenizer', null)],
  ['metadata.plugin 7', set('metadata.plugin', 7)],
]

describe('checkpoint.json', () => {
  it.each(descriptions)('%s', { timeout: TIME_LIMIT }, async (_name, change) => {
    const folder = await copyOf('checkpoint')
    await describeAgain(folder, change)
    await expectRefused(() => openCheckpoint(folder, () => {}))
  })

  it.each(['', 'not json', '{"formatVersion": 1', '\u0000'])('%j as text', async (text) => {
    const folder = await copyOf('checkpoint')
    await writeFile(join(folder, 'checkpoint.json'), text)
    await expectRefused(() => openCheckpoint(folder, () => {}), 'checkpoint.json')
  })

  it('says the way out', async () => {
    const folder = await copyOf('checkpoint')
    await rm(join(folder, 'weights.safetensors'))
    await expectRefused(() => openCheckpoint(folder, () => {}), 'or delete this folder and train anew')
  })

  it('of before there was a hash loads, with a line', async () => {
    const folder = await copyOf('checkpoint')
    const path = join(folder, 'checkpoint.json')
    const json = JSON.parse(await readFile(path, 'utf8'))
    delete json.sha256['checkpoint.json']
    await writeFile(path, JSON.stringify(json))
    const lines: string[] = []
    const { model } = await openCheckpoint(folder, (line) => lines.push(line))
    expect(lines.join()).toContain('of an older version, without a hash of itself')
    model.dispose()
  })

  it('of another strategy than is asked for', async () => {
    const folder = await copyOf('checkpoint')
    await expectRefused(() => loadCheckpoint(folder, { ...alibi({ numHeads: 2 }), name: 'other' }))
    await expectRefused(() => loadCheckpoint(folder, alibi({ numHeads: 2, learned: true })), 'position.logSlopes')
  })
})

const configs: [string, unknown][] = [
  ...[null, 7, 'x', [], true, {}, { model_type: null }, { model_type: '__proto__' }, { model_type: ['gpt2'] }].map(
    (json) => [JSON.stringify(json), json] as [string, unknown],
  ),
]
const fields: [string, unknown][] = [
  ...['n_embd', 'n_layer', 'n_head', 'vocab_size', 'n_positions', 'n_inner'].flatMap((name) =>
    [-1, 0, 1.5, 3, 1e9, 1e300, 'x', [], {}, true].map((value) => [name, value] as [string, unknown]),
  ),
  ...['layer_norm_epsilon', 'activation_function', 'tie_word_embeddings'].flatMap((name) =>
    [-1, [], {}, 'x'].map((value) => [name, value] as [string, unknown]),
  ),
]

describe('config.json', () => {
  const open = async (text: string) => {
    const folder = await copyOf('transformers')
    await writeFile(join(folder, 'config.json'), text)
    return openCheckpoint(folder, () => {})
  }
  it.each(configs)('%s', { timeout: TIME_LIMIT }, (_name, json) =>
    expectRefused(() => open(JSON.stringify(json)), 'config.json'),
  )
  it.each(['', 'not json', '{"a": NaN}', '\u0000'])('%j as text', (text) =>
    expectRefused(() => open(text), 'config.json'),
  )

  it.each(fields)('%s %j', { timeout: TIME_LIMIT }, async (name, value) => {
    const folder = await copyOf('transformers')
    const path = join(folder, 'config.json')
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), [name]: value }))
    await expectRefused(() => openCheckpoint(folder, () => {}), 'config.json')
  })

  it('that is a folder', async () => {
    const folder = await copyOf('transformers')
    await rm(join(folder, 'config.json'))
    await mkdir(join(folder, 'config.json'))
    await expectRefused(() => openCheckpoint(folder, () => {}), 'which is a folder')
  })
})

describe('model.safetensors.index.json', () => {
  const index = (map: unknown) => JSON.stringify({ weight_map: map })
  it.each([
    ...['', 'null', '7', '[]', '{}', 'not json'],
    ...[null, 7, 'x', [], {}, { a: 7 }, { a: null }, { a: '../x' }, { a: '/etc/passwd' }, { a: 'missing' }].map(index),
    index({ a: 'config.json' }),
    index({ a: '.' }),
  ])('%s', { timeout: TIME_LIMIT }, async (text) => {
    const folder = await copyOf('transformers')
    await rm(join(folder, 'model.safetensors'))
    await writeFile(join(folder, 'model.safetensors.index.json'), text)
    await expectRefused(() => openCheckpoint(folder, () => {}))
  })
})
