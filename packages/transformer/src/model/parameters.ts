import { initialValues, type ParameterSpec, type PositionStrategy, seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { NamedArray } from '../checkpoint/safetensors.js'
import { type ModelConfig, type ResolvedModelConfig, resolveConfig } from '../config.js'
import { fairseqStart } from './fairseq-start.js'
import { positionSpecs } from './position-parameters.js'
import { adaptiveSpecs } from './vocabulary/adaptive.js'

const normal = (shape: number[], standardDeviation: number): ParameterSpec => ({
  shape,
  init: { kind: 'normal', standardDeviation },
})
const filled = (shape: number[], value: number): ParameterSpec => ({ shape, init: { kind: 'constant', value } })

/**
 * Every array of a model by its name in a checkpoint, with its starting values: fairseq's, or GPT-2's (Radford et al., 2019), normal with
 * 0.02, residual projections divided by √(2·numLayers). Wider tables and heads start smaller, see {@link readoutDeviation}.
 */
export function parameterSpecs(strategy: PositionStrategy, config: ResolvedModelConfig): Record<string, ParameterSpec> {
  const { vocabularySize, numLayers, modelDim: D, mlpDim, embeddingNorm, finalNorm, tiedHead } = config
  const adaptive = config.adaptiveCutoffs.length > 0
  const [queryDim, keyDim] = [config.numHeads * config.headDim, config.numKeyValueHeads * config.headDim]
  const norm = (name: string, width = D) => ({
    [`${name}.scale`]: filled([width], 1),
    ...(hasShift(config) && { [`${name}.shift`]: filled([width], 0) }),
  })
  const linear = (name: string, from: number, to: number, part: LinearPart) => ({
    [`${name}.weight`]: startOf(part, from, to, config),
    ...(hasBias(part, config) && { [`${name}.bias`]: biasOf(part, from, to, config) }),
  })
  const norms = (name: string) => ({
    ...(config.normPlacement !== 'output' && norm(`${name}_norm`)),
    ...(['output', 'pre-and-output'].includes(config.normPlacement) && norm(`${name}_output_norm`)),
  })
  const each = config.qkNorm === 'head'
  const specs: Record<string, ParameterSpec> = {
    ...(adaptive
      ? adaptiveSpecs(config)
      : { 'embedding.weight': normal([vocabularySize, D], embeddingDeviation(config)) }),
    ...(embeddingNorm && norm('embedding_norm')),
  }
  for (let layer = 0; layer < numLayers; layer++)
    Object.assign(specs, {
      ...norms(`layers.${layer}.attention`),
      ...linear(`layers.${layer}.attention.qkv`, D, queryDim + 2 * keyDim, 'qkv'),
      ...(config.qkNorm && norm(`layers.${layer}.attention.q_norm`, each ? config.headDim : queryDim)),
      ...(config.qkNorm && norm(`layers.${layer}.attention.k_norm`, each ? config.headDim : keyDim)),
      ...linear(`layers.${layer}.attention.out`, queryDim, D, 'out'),
      ...norms(`layers.${layer}.mlp`),
      ...linear(`layers.${layer}.mlp.in`, D, mlpDim, 'mlpIn'),
      ...(config.gatedMlp && linear(`layers.${layer}.mlp.gate`, D, mlpDim, 'mlpIn')),
      ...linear(`layers.${layer}.mlp.out`, mlpDim, D, 'mlpOut'),
    })
  if (finalNorm) Object.assign(specs, norm('final_norm'))
  if (!tiedHead) specs['head.weight'] = normal([D, vocabularySize], headDeviation(config))
  return { ...specs, ...positionSpecs(strategy, config) }
}

/** The linear layers of a block. */
type LinearPart = 'qkv' | 'out' | 'mlpIn' | 'mlpOut'

function hasBias(part: LinearPart, { projectionBias }: ResolvedModelConfig): boolean {
  if (typeof projectionBias === 'boolean') return projectionBias
  return part === 'qkv' || (part === 'out' && projectionBias === 'attention')
}

function startOf(part: LinearPart, from: number, to: number, config: ResolvedModelConfig): ParameterSpec {
  if (config.initialization === 'gpt2')
    return normal([from, to], part === 'qkv' || part === 'mlpIn' ? 0.02 : 0.02 / Math.sqrt(2 * config.numLayers))
  if (part === 'out') return fairseqStart.glorot(from, to)
  // Each of queries, keys and values is a projection of its own there, as wide as queries are.
  if (part === 'qkv') return { ...fairseqStart.glorot(from, config.modelDim, Math.SQRT1_2), shape: [from, to] }
  return fairseqStart.linear(from, to)
}

const biasOf = (part: LinearPart, from: number, to: number, { initialization }: ResolvedModelConfig): ParameterSpec =>
  initialization === 'fairseq' && part !== 'out' ? fairseqStart.bias(from, to) : filled([to], 0)

/** The starting deviation of a head that is not tied to the embedding. */
const headDeviation = ({ modelDim: D, initialization }: ResolvedModelConfig) =>
  initialization === 'fairseq' ? D ** -0.5 : readoutDeviation(D)

/**
 * Logits are sums of D products of the head's weights with hidden states of variance 1. With s as the weights' standard
 * deviation their variance is s²·D, and a first loss is ln V + s²·D / 2: so s is 0.02, and 0.35 / √D where that is less.
 */
const readoutDeviation = (D: number) => Math.min(0.02, 0.35 / Math.sqrt(D))

/**
 * The standard deviation of a token embedding. One that is also the head must not predict its own input: where embeddings
 * dominate the residual stream, the final norm makes a hidden state E/s of a token's row E, whose own logit is |E|²/s = s·D.
 * At 2 / D that is 2, whatever the width; at D^-0.5, so that embeddings scaled by √D have variance 1, it would be √D.
 */
function embeddingDeviation(config: ResolvedModelConfig): number {
  const { modelDim: D, embeddingScale, embeddingNorm, tiedHead, initialization } = config
  if (initialization === 'fairseq') return D ** -0.5
  if (!tiedHead) return embeddingScale ? D ** -0.5 : 0.02
  return embeddingScale || embeddingNorm ? Math.min(0.02, 2 / D) : readoutDeviation(D)
}

/**
 * Parameters of a model, from its shapes: allocates nothing.
 *
 * @throws RangeError or TypeError, one line, for a config that cannot be built
 */
export const countParameters = (config: ModelConfig, strategy: PositionStrategy): number =>
  Object.values(parameterSpecs(strategy, resolveConfig(config))).reduce(
    (sum, { shape }) => sum + shape.reduce((size, each) => size * each, 1),
    0,
  )

/**
 * The shape of each of a model's arrays by its name: allocates nothing.
 *
 * @throws RangeError or TypeError, one line, for a config that cannot be built
 */
export const parameterShapes = (
  config: ModelConfig,
  strategy: PositionStrategy,
): ReadonlyMap<string, readonly number[]> =>
  new Map(Object.entries(parameterSpecs(strategy, resolveConfig(config))).map(([name, { shape }]) => [name, shape]))

/** Whether the norms of a model add something: RMS norm never does. */
const hasShift = ({ norm, projectionBias }: ResolvedModelConfig) => norm === 'layer' && projectionBias !== false

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

/** Copies arrays to the host. */
export async function readArrays(variables: ReadonlyMap<string, tf.Tensor>): Promise<Map<string, NamedArray>> {
  const arrays = new Map<string, NamedArray>()
  for (const [name, v] of variables) arrays.set(name, { shape: v.shape, data: (await v.data()) as Float32Array })
  return arrays
}
