import type { PositionStrategy } from '@alibi/core'
import { decoderArrays, readSizes, writeSizes } from './decoder.js'
import type { Family } from './family.js'
import type { Fields } from './fields.js'
import {
  byLayers,
  readLayerTypes,
  type WrittenLayer,
  wholeRope,
  withWindow,
  writeLayers,
  writeWindows,
} from './layer-types.js'
import { readRope } from './rope.js'

/** Qwen2 and 2.5 (Yang et al., 2024): Llama with biases of queries, keys and values, and windows in the upper layers if asked. */
export const qwen2: Family = {
  name: 'qwen2',
  className: 'Qwen2ForCausalLM',
  prefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'silu', gatedMlp: true, norm: 'rms', normEpsilon: 1e-6, projectionBias: 'qkv' },
  free: ['activation', 'numKeyValueHeads', 'headDim', 'mlpDim'],
  positions: ['rotary'],
  reads: ['sliding_window', 'layer_types'],

  read(fields, note) {
    const sizes = readSizes(fields, { normEpsilon: 1e-6, tiedHead: false, numKeyValueHeads: 32 })
    return {
      trainLength: fields.count('max_position_embeddings', 32_768),
      strategy: readUpperWindows(fields, readRope(fields, sizes.headDim, {}, note), sizes.numLayers),
      config: sizes,
    }
  },

  write({ config, strategy, trainLength }) {
    const layers = writeLayers(strategy, config, 'qwen2')
    return {
      ...writeSizes(config),
      rope_parameters: wholeRope(layers, 'qwen2'),
      ...writeUpperWindows(layers, 'qwen2'),
      max_position_embeddings: trainLength ?? 32_768,
    }
  },

  arrays: (config) => decoderArrays(config, qwen2, { biases: { qkv: true, out: false, mlp: false } }),
}

/** Qwen's windows: `use_sliding_window` turns them on, in the layers from `max_window_layers` on or in `layer_types`. */
export function readUpperWindows(fields: Fields, rope: PositionStrategy, numLayers: number): PositionStrategy {
  const from = fields.optional('max_window_layers') === 0 ? 0 : fields.count('max_window_layers', 28)
  // null is none, and a file that does not say it has the class's.
  const hasWindow = !fields.names.includes('sliding_window') || fields.optional('sliding_window') !== undefined
  const uses = fields.flag('use_sliding_window', false) && hasWindow
  const types = readLayerTypes(fields, numLayers, (layer) =>
    uses && layer >= from ? 'sliding_attention' : 'full_attention',
  )
  if (types.every((type) => type === 'full_attention')) return rope
  if (!uses)
    fields.fail('use_sliding_window', 'use_sliding_window true and a sliding_window with layer_types that have windows')
  const windowed = withWindow(rope, fields.count('sliding_window', 4096))
  return byLayers(
    types.map((type) => (type === 'full_attention' ? rope : windowed)),
    'rotary-by-layer',
  )
}

/** The reverse of {@link readUpperWindows}. */
export function writeUpperWindows(layers: readonly WrittenLayer[], family: string): Record<string, unknown> {
  const windows = writeWindows(layers, family)
  return { ...windows, use_sliding_window: windows.sliding_window !== null }
}
