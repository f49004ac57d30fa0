import { alibi } from '@alibi/alibi'
import { compose, none, type PositionStrategy } from '@alibi/core'
import { fire } from '@alibi/fire'
import { kerple } from '@alibi/kerple'
import { rotary, xPos } from '@alibi/rotary'
import { sandwich } from '@alibi/sandwich'
import { learned, sinusoidal } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'
import { contentStrategies } from './content-strategies.js'

export const tiny = { vocabularySize: 11, numLayers: 2, modelDim: 8, numHeads: 2 }
/** So that a few tokens are several tiles. */
export const tiles = { queriesPerTile: 3 }

const [numHeads, modelDim] = [2, 8]
/** Every strategy, made for the tiny model. */
export const strategies: [string, PositionStrategy][] = [
  ['none', none()],
  ['alibi', alibi({ numHeads })],
  ['alibi, learned', alibi({ numHeads, learned: true })],
  ['alibi, nonsymmetric', alibi({ numHeads, direction: 'nonsymmetric' })],
  ['sinusoidal', sinusoidal({ modelDim })],
  ['learned', learned({ modelDim, maxPositions: 64 })],
  ['rotary', rotary({ rotaryDim: 4 })],
  ['rotary, partial', rotary({ rotaryDim: 2, pairing: 'interleaved' })],
  ['xpos', xPos({ rotaryDim: 4 })],
  ['t5-bias', t5Bias({ numHeads })],
  ['kerple-log', kerple({ numHeads })],
  ['kerple-power', kerple({ numHeads, kernel: 'power' })],
  ['fire', fire({ numHeads, width: 4, threshold: 4 })],
  ['sandwich', sandwich({ numHeads })],
  ['t5-bias, per layer', t5Bias({ numHeads, perLayer: true })],
  [
    'linear + linear',
    compose(alibi({ numHeads }), { ...alibi({ numHeads, learned: true, perLayer: true }), name: 'own' }),
  ],
  ['linear + distance, both scopes', compose(alibi({ numHeads, learned: true, perLayer: true }), t5Bias({ numHeads }))],
  ...contentStrategies,
]

/** Token ids from a fixed multiplicative sequence. */
export const tokens = (length: number, offset = 0) =>
  Int32Array.from({ length }, (_, i) => ((i + offset + 1) ** 2 * 7) % 11)

/** Those above that read content, see less or differ by layer, one of each kind: for tests that take seconds for each. */
// biome-ignore format: a table
const KINDS = ['gate', 'terms', 'window and sinks', 'soft cap of a table by layer']
export const strategiesOfEachKind = strategies.filter(
  ([name]) => KINDS.includes(name) || !contentStrategies.some(([content]) => content === name),
)
