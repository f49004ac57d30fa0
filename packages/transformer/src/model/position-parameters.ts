import { checkStrategy, type ParameterSpec, type PositionStrategy, scopeOf } from '@alibi/core'
import type * as tf from '@tensorflow/tfjs'
import type { ResolvedModelConfig } from '../config.js'

/**
 * The trainable arrays a strategy needs in a model, by their names in a checkpoint.
 *
 * @throws TypeError or RangeError if the strategy does not fit the model
 */
export function positionSpecs(strategy: PositionStrategy, config: ResolvedModelConfig) {
  checkStrategy('createModel', strategy)
  const { embedding, rotation, bias, name } = strategy
  const later = (['gate', 'terms', 'scores', 'visibility', 'sink', 'layers'] as const).find((hook) => strategy[hook])
  if (later) throw new RangeError(`createModel: expected hooks that the model computes, got ${later} of ${name}`)
  const fit = (what: string, got: number | undefined, want: number, ok = got === want) => {
    if (got !== undefined && !ok)
      throw new RangeError(
        `createModel: expected strategy ${name} with ${what} ${want}, got ${got}; make it for this model`,
      )
  }
  fit('modelDim', embedding?.modelDim, config.modelDim)
  fit('numHeads', bias?.numHeads, config.numHeads)
  const headDim = config.modelDim / config.numHeads
  fit('rotaryDim at most', rotation?.rotaryDim, headDim, (rotation?.rotaryDim ?? 0) <= headDim)
  const specs: Record<string, ParameterSpec> = {}
  // Layer by layer: the order decides which random numbers each starts with.
  for (let layer = 0; layer < config.numLayers; layer++)
    for (const [key, spec] of Object.entries(strategy.parameters ?? {}))
      specs[positionParameterName(strategy, key, layer)] ??= spec
  return specs
}

/**
 * The name in a checkpoint of a strategy's parameter, as a layer reads it.
 *
 * @param layer - from 0; without meaning for a parameter of the whole model
 * @throws RangeError for a parameter that the strategy does not declare
 */
export const positionParameterName = (strategy: PositionStrategy, name: string, layer: number): string =>
  scopeOf(strategy, name) === 'layer' ? `layers.${layer}.position.${name}` : `position.${name}`

/** Whether every layer sees the same arrays. */
export const sharesParameters = (strategy: PositionStrategy) =>
  Object.keys(strategy.parameters ?? {}).every((name) => scopeOf(strategy, name) === 'model')

/** A strategy's arrays as a layer sees them, by the strategy's own names. */
export const positionParametersOf = (
  strategy: PositionStrategy,
  all: ReadonlyMap<string, tf.Variable>,
  layer: number,
): Record<string, tf.Variable> =>
  Object.fromEntries(
    Object.keys(strategy.parameters ?? {}).map((name) => [
      name,
      all.get(positionParameterName(strategy, name, layer))!,
    ]),
  )
