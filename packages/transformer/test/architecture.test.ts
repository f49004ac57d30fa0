// The choices that models differ in besides their position encoding.
import { alibi } from '@alibi/alibi'
import { rotary, xPos } from '@alibi/rotary'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createKvCache, createModel, type Model, type ModelConfig } from '../src/index.js'
import { tiles, tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const four = { ...tiny, numHeads: 4 }
const strategy = alibi({ numHeads: 4 })
const architectures: [string, Partial<ModelConfig>][] = [
  ['an exact GELU', { activation: 'gelu-exact' }],
  ['a gated SiLU', { activation: 'silu', gatedMlp: true }],
  ['a parallel residual', { parallelResidual: true }],
  ['shared keys and values', { numKeyValueHeads: 2 }],
  ['one head of keys and values', { numKeyValueHeads: 1 }],
  ['clipped queries, keys and values', { clipQkv: 0.3 }],
  ['RMS norms', { norm: 'rms', normEpsilon: 1e-3 }],
  ['no biases', { projectionBias: false }],
  ['a norm of the embeddings', { embeddingNorm: true }],
  ['heads of another width', { headDim: 4 }],
  ['norms of the output', { normPlacement: 'output' }],
  ['norms before and of the output', { normPlacement: 'pre-and-output', norm: 'rms' }],
  ['norms after the sum', { normPlacement: 'post', finalNorm: false }],
  ['norms of each head', { qkNorm: 'head', norm: 'rms', numKeyValueHeads: 2 }],
  ['norms of all heads', { qkNorm: 'all-heads', numKeyValueHeads: 1 }],
  ['biases of queries, keys and values alone', { projectionBias: 'qkv' }],
  ['biases of attention alone', { projectionBias: 'attention' }],
  ['capped logits', { logitCap: 0.5 }],
]

/** With weights of a size that makes choices tell, biases included. */
function make(architecture: Partial<ModelConfig>): Model {
  const model = createModel({ ...four, ...architecture }, strategy)
  for (const variable of model.parameters.values())
    tf.tidy(() =>
      variable.assign(tf.add(variable, tf.mul(tf.sin(tf.range(0, variable.size)), 0.2).reshape(variable.shape))),
    )
  return model
}

const outputs = (model: Model, ...args: Parameters<Model['forward']>) =>
  tf.tidy(() => Array.from(model.logits(model.forward(args[0], { ...tiles, ...args[1] })).dataSync()))

/** fp32 sums of a few dozen terms of size 1, taken in another order. */
const FP32 = { rtol: 0, atol: 1e-5 }

describe.each(architectures)('a model with %s', (_name, architecture) => {
  it('is another model', () => {
    expect(outputs(make(architecture), [tokens(6)])).not.toBeAllclose(outputs(make({}), [tokens(6)]), FP32)
  })

  it('gives the same from a cache', () => {
    const model = make(architecture)
    const cache = createKvCache()
    const pieces = [tokens(9).subarray(0, 4), tokens(9).subarray(4, 8), tokens(9).subarray(8)]
    expect(pieces.flatMap((piece) => outputs(model, [piece], { cache }))).toBeAllclose(
      outputs(model, [tokens(9)]),
      FP32,
    )
    cache.dispose()
  })

  it('has the gradients of finite differences', () => {
    const model = make(architecture)
    const loss = () =>
      tf.tidy(() => tf.mean(tf.square(tf.sub(model.logits(model.forward([tokens(7)])), 0.5))) as tf.Scalar)
    const { grads } = tf.variableGrads(loss, [...model.parameters.values()])
    for (const [name, variable] of model.parameters) {
      const start = variable.dataSync().slice()
      const gradient = grads[variable.name]!.dataSync() as Float32Array
      const at = gradient.reduce((best, g, i) => (Math.abs(g) > Math.abs(gradient[best]!) ? i : best), 0)
      const shifted = (by: number) => {
        const moved = start.slice()
        moved[at]! += by
        variable.assign(tf.tensor(moved, variable.shape))
        return loss().dataSync()[0]!
      }
      // Central difference: error h² from the curve and 1e-7/h from fp32; clipping has corners, met by few.
      const difference = (shifted(5e-3) - shifted(-5e-3)) / 1e-2
      shifted(0)
      expect(Math.abs(difference - gradient[at]!), name).toBeLessThan(1e-3 + 0.03 * Math.abs(gradient[at]!))
    }
  })
})

it.each([rotary({ rotaryDim: 2 }), xPos({ rotaryDim: 2 })])('caches each shared head once ($name)', (strategy) => {
  const model = createModel({ ...four, numKeyValueHeads: 2 }, strategy)
  const cache = createKvCache()
  const before = tf.memory().numBytes
  const parts = [outputs(model, [tokens(8)], { cache }), outputs(model, [tokens(1, 8)], { cache })].flat()
  // 9 tokens of keys and values: 2 layers, 2 heads, 2 features of 4 bytes.
  expect(tf.memory().numBytes - before).toBe(9 * 2 * 2 * 2 * 2 * 4)
  expect(parts).toBeAllclose(outputs(model, [tokens(9)]), FP32)
})

it('refuses choices that make no model', () => {
  const refused = (choice: object) => () => createModel({ ...four, ...choice }, strategy)
  expect(refused({ numKeyValueHeads: 3 })).toThrow('numKeyValueHeads to divide numHeads, got 3 for 4; try 1, 2, 4')
  expect(refused({ norm: 'batch' })).toThrow('norm as one of layer,rms, got batch')
  expect(refused({ clipQkv: 0 })).toThrow('a finite clipQkv > 0, got 0')
  expect(refused({ headDim: 1.5 })).toThrow('an integer headDim ≥ 1, got 1.5')
  expect(refused({ normPlacement: 'middle' })).toThrow(
    'normPlacement as one of pre,post,output,pre-and-output, got middle',
  )
  expect(refused({ normPlacement: 'post', parallelResidual: true })).toThrow('with parallelResidual, got post')
  expect(refused({ qkNorm: true })).toThrow('qkNorm as one of head,all-heads, got true')
  expect(refused({ projectionBias: 'mlp' })).toThrow("projectionBias as true, false, 'attention' or 'qkv', got mlp")
  expect(refused({ logitCap: 0 })).toThrow('a finite logitCap > 0, got 0')
  expect(refused({ logitCap: 5, adaptiveCutoffs: [4] })).toThrow('no logitCap with adaptiveCutoffs, got 5')
})
