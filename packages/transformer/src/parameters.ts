import { initialValues, type ParameterSpec, type PositionStrategy, seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { ModelConfig } from './config.js'
import { positionParameters } from './position.js'

const normal = (shape: number[], standardDeviation: number): ParameterSpec => ({
  shape,
  init: { kind: 'normal', standardDeviation },
})
const filled = (shape: number[], value: number): ParameterSpec => ({ shape, init: { kind: 'constant', value } })

/**
 * Every array of a model by its name in a checkpoint, with its start: GPT-2's (normal, 0.02; residual projections
 * shrunk by √(2·numLayers)), and token embeddings of unit variance after the √modelDim scale.
 */
export function parameterSpecs(
  strategy: PositionStrategy,
  config: Required<ModelConfig>,
): Record<string, ParameterSpec> {
  const { vocabularySize, numLayers, modelDim: D, mlpDim, embeddingScale, finalNorm, tiedHead } = config
  const residual = 0.02 / Math.sqrt(2 * numLayers)
  const specs: Record<string, ParameterSpec> = {
    'embedding.weight': normal([vocabularySize, D], embeddingScale ? D ** -0.5 : 0.02),
  }
  for (let layer = 0; layer < numLayers; layer++)
    Object.assign(specs, {
      [`layers.${layer}.attention_norm.scale`]: filled([D], 1),
      [`layers.${layer}.attention_norm.shift`]: filled([D], 0),
      [`layers.${layer}.attention.qkv.weight`]: normal([D, 3 * D], 0.02),
      [`layers.${layer}.attention.qkv.bias`]: filled([3 * D], 0),
      [`layers.${layer}.attention.out.weight`]: normal([D, D], residual),
      [`layers.${layer}.attention.out.bias`]: filled([D], 0),
      [`layers.${layer}.mlp_norm.scale`]: filled([D], 1),
      [`layers.${layer}.mlp_norm.shift`]: filled([D], 0),
      [`layers.${layer}.mlp.in.weight`]: normal([D, mlpDim], 0.02),
      [`layers.${layer}.mlp.in.bias`]: filled([mlpDim], 0),
      [`layers.${layer}.mlp.out.weight`]: normal([mlpDim, D], residual),
      [`layers.${layer}.mlp.out.bias`]: filled([D], 0),
    })
  if (finalNorm) Object.assign(specs, { 'final_norm.scale': filled([D], 1), 'final_norm.shift': filled([D], 0) })
  if (!tiedHead) specs['head.weight'] = normal([D, vocabularySize], 0.02)
  return { ...specs, ...positionParameters(strategy, config) }
}

/** Allocates the arrays; the same seed gives the same start on every backend and, but for its own, every strategy. */
export function allocateParameters(specs: Record<string, ParameterSpec>, seed: number): Map<string, tf.Variable> {
  const random = seededRandom(seed)
  return new Map(
    Object.entries(specs).map(([name, spec]) => {
      const start = tf.tensor(Float32Array.from(initialValues(spec, random)), [...spec.shape])
      const variable = tf.variable(start, true)
      start.dispose()
      return [name, variable]
    }),
  )
}

export const parameterCount = (specs: Record<string, ParameterSpec>) =>
  Object.values(specs).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
