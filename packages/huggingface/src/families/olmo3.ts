import { biasChoice, decoderArrays, readBiases, readSizes, writeSizes } from './decoder.js'
import { biasesOf, type Family } from './family.js'
import { byLayers, readLayerTypes, wholeRopeByType, withWindow, writeLayers, writeWindows } from './layer-types.js'
import { olmoArchitecture } from './olmo2.js'
import { readRopeByType, scalingsByType } from './rope.js'

/** transformers 5.18 gives windowed layers this base, whatever the field outside of rope_parameters says. */
const BASE = 500_000

/** OLMo 3 (2025): OLMo 2 with a window in three of four layers, and scaled angles in the fourth. */
export const olmo3: Family = {
  name: 'olmo3',
  className: 'Olmo3ForCausalLM',
  prefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  heads: ['lm_head.weight'],
  architecture: olmoArchitecture,
  free: ['activation', 'numKeyValueHeads', 'headDim', 'mlpDim'],
  also: { projectionBias: ['attention'] },
  positions: ['rotary'],
  scalings: scalingsByType,
  reads: ['sliding_window', 'layer_types'],
  only: { rope_theta: [BASE] },

  read(fields) {
    const sizes = readSizes(fields, { normEpsilon: 1e-5, tiedHead: false })
    const ropes = readRopeByType(fields, sizes.headDim, { full_attention: BASE, sliding_attention: BASE })
    const windowed = withWindow(ropes.sliding_attention, fields.count('sliding_window', 4096))
    const types = readLayerTypes(fields, sizes.numLayers, (layer) =>
      (layer + 1) % 4 ? 'sliding_attention' : 'full_attention',
    )
    return {
      trainLength: fields.count('max_position_embeddings', 2048),
      strategy: byLayers(
        types.map((type) => (type === 'full_attention' ? ropes.full_attention : windowed)),
        'rotary-by-layer',
      ),
      config: { ...sizes, projectionBias: biasChoice(readBiases(fields, false)) },
    }
  },

  write({ config, strategy, trainLength }) {
    const layers = writeLayers(strategy, config, 'olmo3')
    const { layer_types, sliding_window } = writeWindows(layers, 'olmo3')
    return {
      ...writeSizes(config),
      attention_bias: biasesOf(config).out,
      rope_parameters: wholeRopeByType(layers, 'olmo3'),
      layer_types,
      sliding_window: sliding_window ?? 4096,
      max_position_embeddings: trainLength ?? 2048,
    }
  },

  arrays(config, fields) {
    const { attention } = readBiases(fields, false)
    return decoderArrays(config, olmo3, { biases: { qkv: attention, out: attention, mlp: false } })
  },
}
