// Recipes by layer.
import { byLayer, checkInteger, checkOptions, defineStrategy, none, type PositionStrategy } from '@alibi/core'
import { type RotaryOptions, rotary } from './rotary.js'
import type { RotaryScaling } from './scaling.js'

/** A strategy for each layer of a pattern. */
export type LayeredStrategy = PositionStrategy & { readonly layers: readonly PositionStrategy[] }

/** What {@link irope} takes: what `rotary` does, and how often a layer is without positions. */
export interface IropeOptions extends RotaryOptions {
  /** Every how many layers the last has no positions. Default 4. */
  readonly every?: number
}

/**
 * Rotary with no positions in every fourth layer (iRoPE: Llama 4; SmolLM3). Llama 4's chunks of attention and scaled queries
 * are left out.
 *
 * @throws RangeError or TypeError as `rotary`, and for `every` below 2
 */
export function irope(options: IropeOptions): LayeredStrategy {
  checkOptions('irope', options, ['rotaryDim', 'base', 'pairing', 'scaling', 'every'])
  const { every = 4, ...rest } = options
  checkInteger('irope', 'every', every, 2)
  const turning = rotary(rest)
  const pattern = Array.from({ length: every }, (_, layer) => (layer < every - 1 ? turning : none()))
  return byLayer(pattern, { name: 'irope' }) as LayeredStrategy
}

/** What {@link gemmaLocal} takes. */
export interface GemmaLocalOptions {
  /** Leading features of a head that rotate; even, ≤ headDim. */
  readonly rotaryDim: number
  /** Tokens that a query of a local layer sees. Default 512, as Gemma 3 1B; larger ones have 1024. */
  readonly window?: number
  /** Local layers before each global one. Default 5. */
  readonly localLayers?: number
  /** The base of local layers. Default 10 000. */
  readonly localBase?: number
  /** The base of global layers. Default 1 000 000. */
  readonly globalBase?: number
  /** The scaling of global layers, e.g. `linearScaling({ factor: 8 })` as in Gemma 3 from 4B on. Default none. */
  readonly globalScaling?: RotaryScaling
}

// biome-ignore format: a table
const GEMMA_OPTIONS: readonly (keyof GemmaLocalOptions)[] = [
  'rotaryDim', 'window', 'localLayers', 'localBase', 'globalBase', 'globalScaling',
]

/**
 * Rotary in layers of two kinds, as in Gemma 3 (2025): five with a window and a small base, then one that sees all, with a large
 * base.
 *
 * @throws RangeError or TypeError as `rotary`, and for a window or localLayers below 1
 */
export function gemmaLocal(options: GemmaLocalOptions): LayeredStrategy {
  checkOptions('gemmaLocal', options, GEMMA_OPTIONS)
  const { rotaryDim, window = 512, localLayers = 5, localBase = 10_000, globalBase = 1_000_000 } = options
  checkInteger('gemmaLocal', 'window', window, 1)
  checkInteger('gemmaLocal', 'localLayers', localLayers, 1)
  const { globalScaling: scaling } = options
  const local = defineStrategy({ ...rotary({ rotaryDim, base: localBase }), name: 'local', visibility: { window } })
  const global = rotary({ rotaryDim, base: globalBase, ...(scaling && { scaling }) })
  return byLayer([...new Array<PositionStrategy>(localLayers).fill(local), global], {
    name: 'gemma-local',
  }) as LayeredStrategy
}
