// Letters: d rotaryDim.
import type { PositionStrategy } from '@alibi/core'
import { linearScaling, llama3Scaling, type RotaryScaling, rotary, yarnScaling } from '@alibi/rotary'
import type { Fields } from './fields.js'

const OF_ALL = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor']

/** What each scaling may say; anything else would change the angles unseen. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  default: [],
  linear: ['factor'],
  yarn: ['factor', 'original_max_position_embeddings', 'beta_fast', 'beta_slow', 'finetuned'],
  llama3: ['factor', 'original_max_position_embeddings', 'low_freq_factor', 'high_freq_factor'],
}

/**
 * The rotation that a config.json describes, in the form of transformers 5 (`rope_parameters`) or before
 * (`rope_theta`, `rope_scaling`).
 *
 * @param legacy - the names that base and share of rotated features had in the family
 * @throws Error, one line, for a scaling that is unknown or depends on the length
 */
export function readRope(
  fields: Fields,
  headDim: number,
  legacy: { readonly base: string; readonly share: string; readonly defaultShare: number },
): PositionStrategy {
  const rope = fields.inside(fields.optional('rope_parameters') ? 'rope_parameters' : 'rope_scaling')
  rope.only('rope_type', ...Object.keys(KNOWN))
  rope.only('type', ...Object.keys(KNOWN))
  const type = rope.text('rope_type', rope.text('type', 'default'))
  for (const name of rope.names) if (![...OF_ALL, ...KNOWN[type]!].includes(name)) rope.only(name)
  const base = rope.number('rope_theta', fields.number(legacy.base, 10_000))
  const share = rope.number('partial_rotary_factor', fields.number(legacy.share, legacy.defaultShare))
  const scaling = scalingOf(type, rope, fields)
  return rotary({ rotaryDim: Math.floor(headDim * share), base, ...(scaling && { scaling }) })
}

function scalingOf(type: string, rope: Fields, fields: Fields): RotaryScaling | undefined {
  if (type === 'default') return undefined
  const factor = rope.number('factor', Number.NaN)
  if (type === 'linear') return linearScaling({ factor })
  const originalMaxPositions = rope.count(
    'original_max_position_embeddings',
    fields.count(['original_max_position_embeddings', 'max_position_embeddings']),
  )
  if (type === 'yarn') {
    const [betaFast, betaSlow] = [rope.number('beta_fast', 32), rope.number('beta_slow', 1)]
    return yarnScaling({ factor, originalMaxPositions, betaFast, betaSlow })
  }
  const [lowFrequencyFactor, highFrequencyFactor] = [
    rope.number('low_freq_factor', 1),
    rope.number('high_freq_factor', 4),
  ]
  return llama3Scaling({ factor, originalMaxPositions, lowFrequencyFactor, highFrequencyFactor })
}

/**
 * `rope_parameters` of a strategy that is plain rotary.
 *
 * @throws Error, one line, if it is another
 */
export function writeRope({ name, rotation }: PositionStrategy, headDim: number, family: string) {
  const refuse = (got: string): never => {
    throw new Error(`saveHuggingFace: expected plain rotary with half pairing for ${family}, got ${got}`)
  }
  if (name !== 'rotary' || !rotation) return refuse(name)
  if (rotation.pairing !== 'half') return refuse('interleaved pairing; its queries and keys lie in another order')
  const { rotaryDim } = rotation
  const frequencies = Array.from(rotation.angles(Int32Array.of(1)))
  // One pair alone has frequency 1 whatever the base.
  const base = frequencies.length > 1 ? frequencies[1]! ** (-rotaryDim / 2) : 10_000
  const theta = Number(base.toPrecision(12))
  const plain = rotary({ rotaryDim, base: theta }).rotation!.angles(Int32Array.of(1))
  if (rotation.magnitudes || frequencies.some((f, i) => Math.abs(f - plain[i]!) > 1e-6 * f))
    return refuse('scaled frequencies')
  const share = rotaryDim / headDim
  // Readers round headDim·share down.
  const enough = Math.floor(headDim * share) === rotaryDim ? share : share * (1 + Number.EPSILON)
  return { rope_type: 'default', rope_theta: theta, partial_rotary_factor: enough }
}
