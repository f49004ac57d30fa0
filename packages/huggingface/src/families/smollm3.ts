import { none, type PositionStrategy } from '@alibi/core'
import { biasChoice, decoderArrays, readBiases, readSizes, writeSizes } from './decoder.js'
import { biasesOf, type Family } from './family.js'
import type { Fields } from './fields.js'
import { byLayers, readLayerTypes, wholeRope, withWindow, writeLayers, writeWindows } from './layer-types.js'
import { readRope } from './rope.js'

/** SmolLM3 (Hugging Face, 2025): Llama whose every fourth layer has no positions, with windows in some if asked. */
export const smollm3: Family = {
  name: 'smollm3',
  className: 'SmolLM3ForCausalLM',
  prefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: { activation: 'silu', gatedMlp: true, norm: 'rms', normEpsilon: 1e-6, projectionBias: false },
  free: ['activation', 'numKeyValueHeads', 'headDim', 'mlpDim'],
  also: { projectionBias: [true, 'attention'] },
  positions: ['rotary'],
  reads: ['no_rope_layer_interval', 'no_rope_layers', 'sliding_window', 'layer_types'],

  read(fields, note) {
    const sizes = readSizes(fields, { normEpsilon: 1e-6, tiedHead: true, numKeyValueHeads: 4 })
    const rope = readRope(fields, sizes.headDim, { defaultBase: 2_000_000 }, note)
    return {
      trainLength: fields.count('max_position_embeddings', 32_768),
      strategy: readPositions(fields, rope, sizes.numLayers),
      config: { ...sizes, projectionBias: biasChoice(readBiases(fields, true)) },
    }
  },

  write({ config, strategy, trainLength }) {
    const layers = writeLayers(strategy, config, 'smollm3')
    const windows = writeWindows(layers, 'smollm3')
    const turning = layers.filter(({ rope }) => rope)
    return {
      ...writeSizes(config),
      attention_bias: biasesOf(config).out,
      mlp_bias: biasesOf(config).mlp,
      rope_parameters: turning.length ? wholeRope(turning, 'smollm3') : { rope_type: 'default', rope_theta: 2_000_000 },
      // 1 has positions.
      no_rope_layers: layers.map(({ rope }) => (rope ? 1 : 0)),
      ...windows,
      use_sliding_window: windows.sliding_window !== null,
      max_position_embeddings: trainLength ?? 32_768,
    }
  },

  arrays(config, fields) {
    const { attention, mlp } = readBiases(fields, true)
    return decoderArrays(config, smollm3, { biases: { qkv: attention, out: attention, mlp } })
  },
}

function readPositions(fields: Fields, rope: PositionStrategy, numLayers: number): PositionStrategy {
  const turns = readTurns(fields, numLayers)
  const uses = fields.flag('use_sliding_window', false) && fields.optional('sliding_window') !== undefined
  const types = readLayerTypes(fields, numLayers, (layer) =>
    uses && !turns[layer] ? 'sliding_attention' : 'full_attention',
  )
  if (!uses && types.includes('sliding_attention'))
    fields.fail('use_sliding_window', 'use_sliding_window true and a sliding_window with layer_types that have windows')
  const full = { turning: rope, still: none() }
  const window = uses ? fields.count('sliding_window') : undefined
  const windowed =
    window === undefined ? full : { turning: withWindow(full.turning, window), still: withWindow(full.still, window) }
  return byLayers(
    types.map((type, layer) => (type === 'full_attention' ? full : windowed)[turns[layer] ? 'turning' : 'still']),
    'rotary-by-layer',
  )
}

/** Whether each layer has positions: `no_rope_layers` has 1 for those, or else every n-th layer has none. */
function readTurns(fields: Fields, numLayers: number): boolean[] {
  const given = fields.optional('no_rope_layers')
  if (given === undefined) {
    const every = fields.count('no_rope_layer_interval', 4)
    return Array.from({ length: numLayers }, (_, layer) => (layer + 1) % every !== 0)
  }
  if (!Array.isArray(given) || given.length < numLayers || !given.every((each) => each === 0 || each === 1))
    fields.fail('no_rope_layers', `no_rope_layers to be 0 or 1 for each of ${numLayers} layers`)
  return (given as number[]).slice(0, numLayers).map(Boolean)
}
