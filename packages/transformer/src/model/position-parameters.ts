import { checkStrategy, layerStrategy, type ParameterSpec, type PositionStrategy, scopeOf } from '@alibi/core'
import type * as tf from '@tensorflow/tfjs'
import type { ResolvedModelConfig } from '../config.js'

/**
 * The trainable arrays a strategy needs in a model, by their names in a checkpoint.
 *
 * @throws TypeError or RangeError if the strategy does not fit the model
 */
export function positionSpecs(strategy: PositionStrategy, config: ResolvedModelConfig) {
  checkStrategy('createModel', strategy)
  for (const each of [strategy, ...(strategy.layers ?? [])]) checkFits(each, config)
  const specs: Record<string, ParameterSpec> = {}
  const add = ({ parameters = {} }: PositionStrategy, nameOf: (key: string) => string) => {
    for (const [key, spec] of Object.entries(parameters)) specs[nameOf(key)] ??= spec
  }
  // Beside layers, the strategy's own parameters are its embedding's.
  if (strategy.layers) add(strategy, (key) => `position.${key}`)
  // Layer by layer: the order decides which random numbers each starts with.
  for (let layer = 0; layer < config.numLayers; layer++)
    add(layerStrategy(strategy, layer), (key) => positionParameterName(strategy, key, layer))
  return specs
}

/** @throws RangeError for a hook of other sizes than the model's */
function checkFits(strategy: PositionStrategy, config: ResolvedModelConfig): void {
  const { name, embedding, rotation, bias, gate, terms, scores, sink } = strategy
  const fit = (what: string, want: number, ...got: readonly (number | undefined)[]) => {
    const other = got.find((size) => size !== undefined && size !== want)
    if (other !== undefined)
      throw new RangeError(
        `createModel: expected strategy ${name} with ${what} ${want}, got ${other}; make it for this model`,
      )
  }
  const { headDim } = config
  fit('modelDim', config.modelDim, embedding?.modelDim, gate?.modelDim)
  fit('numHeads', config.numHeads, ...[rotation, bias, gate, terms, scores, sink].map((hook) => hook?.numHeads))
  fit('headDim', headDim, terms?.headDim, scores?.headDim)
  if (rotation && rotation.rotaryDim > headDim) fit('rotaryDim at most', headDim, rotation.rotaryDim)
  if (rotation?.numHeads !== undefined && config.numKeyValueHeads !== config.numHeads)
    throw new RangeError(
      `createModel: expected numKeyValueHeads ${config.numHeads} with ${name}, which turns each head by itself, got ${config.numKeyValueHeads}`,
    )
}

/**
 * The name in a checkpoint of a strategy's parameter, as a layer reads it.
 *
 * @param layer - from 0; without meaning for a parameter of the whole model
 * @throws RangeError for a parameter that the strategy does not declare
 */
export function positionParameterName(strategy: PositionStrategy, name: string, layer: number): string {
  const part = layerStrategy(strategy, layer)
  if (scopeOf(part, name) === 'layer') return `layers.${layer}.position.${name}`
  // Layers of the same strategy share what is the model's; its first place in the pattern names it.
  return strategy.layers ? `position.${strategy.layers.indexOf(part)}.${name}` : `position.${name}`
}

/** Whether every layer that has this strategy sees the same arrays. */
export const sharesParameters = (part: PositionStrategy) =>
  Object.keys(part.parameters ?? {}).every((name) => scopeOf(part, name) === 'model')

/** A layer's strategy's arrays, by the strategy's own names. */
export const positionParametersOf = (
  strategy: PositionStrategy,
  all: ReadonlyMap<string, tf.Variable>,
  layer: number,
): Record<string, tf.Variable> =>
  Object.fromEntries(
    Object.keys(layerStrategy(strategy, layer).parameters ?? {}).map((name) => [
      name,
      all.get(positionParameterName(strategy, name, layer))!,
    ]),
  )

/** The arrays that the embedding reads, by the strategy's own names. */
export const embeddingParametersOf = (
  strategy: PositionStrategy,
  all: ReadonlyMap<string, tf.Variable>,
): Record<string, tf.Variable> =>
  strategy.layers
    ? Object.fromEntries(Object.keys(strategy.parameters ?? {}).map((name) => [name, all.get(`position.${name}`)!]))
    : positionParametersOf(strategy, all, 0)
