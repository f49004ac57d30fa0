// Where tokens are, layer by layer: a rotation or none, a window or none.
import { byLayer, defineStrategy, layerStrategy, type PositionStrategy } from '@alibi/core'
import type { ResolvedModelConfig } from '@alibi/transformer'
import type { Fields } from './fields.js'
import { type LayerType, type RopeParameters, writeRope } from './rope.js'

const TYPES: readonly unknown[] = ['full_attention', 'sliding_attention'] satisfies LayerType[]

/**
 * `layer_types` of config.json.
 *
 * @param fallback - the type of a layer where config.json has none
 * @throws Error, one line, for other types, or not one for each layer
 */
export function readLayerTypes(fields: Fields, numLayers: number, fallback: (layer: number) => LayerType): LayerType[] {
  const given = fields.optional('layer_types')
  if (given === undefined) return Array.from({ length: numLayers }, (_, layer) => fallback(layer))
  if (!Array.isArray(given) || given.length !== numLayers || !given.every((type) => TYPES.includes(type)))
    return fields.fail('layer_types', `layer_types to be ${numLayers} of ${TYPES.join(' and ')}`)
  return given
}

/** The same strategy with a window of keys. */
export const withWindow = (strategy: PositionStrategy, window: number): PositionStrategy =>
  defineStrategy<PositionStrategy>({ ...strategy, name: `windowed-${strategy.name}`, visibility: { window } })

/** A strategy for each layer as one: itself if all are the same, else the shortest pattern that repeats. */
export function byLayers(layers: readonly PositionStrategy[], name: string): PositionStrategy {
  const repeats = (period: number) => layers.every((layer, i) => layer === layers[i % period])
  const period = layers.findIndex((_, i) => repeats(i + 1)) + 1
  return period === 1 ? layers[0]! : byLayer(layers.slice(0, period), { name })
}

/** What a layer has of positions, in the words of config.json. */
export interface WrittenLayer {
  /** Absent: no positions. */
  readonly rope: RopeParameters | undefined
  /** Absent: all keys. */
  readonly window: number | undefined
}

/**
 * Each layer of a strategy that has rotations, windows and nothing else.
 *
 * @throws Error, one line, for a strategy with other hooks
 */
export function writeLayers(
  strategy: PositionStrategy,
  { numLayers, headDim }: ResolvedModelConfig,
  family: string,
): WrittenLayer[] {
  const refuse = (got: string): never => {
    throw new Error(`saveHuggingFace: expected rotary positions and windows alone for ${family}, got ${got}`)
  }
  const write = (part: PositionStrategy): WrittenLayer => {
    const { rotation, bias, gate, terms, scores, sink, visibility } = part
    if (bias || gate || terms || scores || sink) return refuse(part.name)
    if (visibility?.sinks) return refuse(`${part.name}, which always sees ${visibility.sinks} first tokens`)
    return { rope: rotation && writeRope(part, headDim, family), window: visibility?.window }
  }
  if (strategy.embedding) return refuse(strategy.name)
  const made = new Map<PositionStrategy, WrittenLayer>()
  return Array.from({ length: numLayers }, (_, layer) => {
    const part = layerStrategy(strategy, layer)
    const written = made.get(part) ?? write(part)
    made.set(part, written)
    return written
  })
}

/**
 * What all layers have, for families whose layers are alike in this.
 *
 * @throws Error, one line, where they differ
 */
export function inAll<K extends keyof WrittenLayer>(
  layers: readonly WrittenLayer[],
  what: K,
  family: string,
): WrittenLayer[K] {
  const [first, ...others] = new Set(layers.map((layer) => JSON.stringify(layer[what])))
  if (others.length)
    throw new Error(
      `saveHuggingFace: expected one ${what} for all these layers of ${family}, got ${[first, ...others].map((each) => each ?? 'none').join(' and ')}`,
    )
  return layers[0]?.[what]
}

/**
 * `rope_parameters` of a family whose heads rotate whole.
 *
 * @throws Error, one line, for layers without a rotation, or one of a part of each head
 */
export function wholeRope(layers: readonly WrittenLayer[], family: string): Record<string, unknown> {
  const rope = inAll(layers, 'rope', family)
  if (!rope) throw new Error(`saveHuggingFace: expected rotary positions for ${family}, got none`)
  const { partial_rotary_factor: share, ...rest } = rope
  if (share !== 1)
    throw new Error(
      `saveHuggingFace: expected all features of a head to rotate for ${family}, got a share of ${share}; try gpt_neox`,
    )
  return rest
}

/** `rope_parameters` of families that have one for each type of layer. */
export function wholeRopeByType(layers: readonly WrittenLayer[], family: string): Record<string, unknown> {
  const types = [
    ['full_attention', layers.filter(({ window }) => window === undefined)],
    ['sliding_attention', layers.filter(({ window }) => window !== undefined)],
  ] as const
  const there = types.filter(([, some]) => some.length)
  const ropes = there.map(([type, some]) => [type, wholeRope(some, family)] as const)
  // transformers 5.18 does not look for it there.
  if (ropes.some(([, rope]) => rope.truncate === false))
    throw new Error(`saveHuggingFace: expected truncate true for ${family}, got false`)
  return Object.fromEntries(ropes)
}

/** `layer_types` and `sliding_window` of layers some of which have a window, all the same. */
export function writeWindows(layers: readonly WrittenLayer[], family: string) {
  const windowed = layers.filter(({ window }) => window !== undefined)
  return {
    layer_types: layers.map(({ window }): LayerType => (window === undefined ? 'full_attention' : 'sliding_attention')),
    sliding_window: windowed.length ? inAll(windowed, 'window', family)! : null,
  }
}
