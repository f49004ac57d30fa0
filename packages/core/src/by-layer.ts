import { checkInteger, checkOptions, fail } from './check.js'
import { checkStrategy } from './check-strategy.js'
import { defineStrategy } from './define-strategy.js'
import type { PositionStrategy } from './strategy.js'

/** Options of {@link byLayer}. */
export interface ByLayerOptions {
  /** Written to checkpoints and tables. Default: the strategies' names, e.g. `by-layer(rotary,rotary,none)`. */
  readonly name?: string
  /** How many layers to call a function of the layer for. */
  readonly numLayers?: number
}

/**
 * A strategy for each layer. Give a pattern that repeats, `byLayer([rope, rope, rope, none()])` for NoPE in every
 * fourth layer, or a function of the layer, `byLayer((layer) => …, { numLayers: 12 })`. Each place in the pattern has
 * its own parameters; those whose scope is the model are shared by all layers of that place.
 *
 * @throws TypeError or RangeError for no strategies, one that adds an embedding (compose it with the result), or a function
 * without numLayers
 */
export function byLayer(
  pattern: readonly PositionStrategy[] | ((layer: number) => PositionStrategy),
  options: ByLayerOptions = {},
): PositionStrategy {
  checkOptions('byLayer', options, ['name', 'numLayers'])
  const { numLayers } = options
  if (typeof pattern !== 'function' && !Array.isArray(pattern))
    fail('byLayer', 'strategies in an array, or a function of the layer', pattern, TypeError)
  if (typeof pattern === 'function') checkInteger('byLayer', 'numLayers', numLayers, 1)
  else if (numLayers !== undefined)
    fail('byLayer', 'numLayers with a function of the layer', `${numLayers} with an array`)
  const layers: PositionStrategy[] =
    typeof pattern === 'function' ? Array.from({ length: numLayers! }, (_, layer) => pattern(layer)) : [...pattern]
  for (const layer of layers) checkStrategy('byLayer', layer)
  const maxPositions = Math.min(...layers.map((layer) => layer.maxPositions ?? Infinity))
  return defineStrategy({
    name: options.name ?? `by-layer(${layers.map(({ name }) => name)})`,
    ...(maxPositions < Infinity && { maxPositions }),
    layers,
  })
}

/**
 * The strategy that a layer's attention uses: the given one, or its part for that layer.
 *
 * @param layer - from 0
 */
export function layerStrategy(strategy: PositionStrategy, layer: number): PositionStrategy {
  checkInteger('layerStrategy', 'layer', layer, 0)
  const { layers } = strategy
  return layers ? layers[layer % layers.length]! : strategy
}
