// The scalings of rope_parameters, in the names of transformers.
import { linearScaling, llama3Scaling, longRopeScaling, type RotaryScaling, yarnScaling } from '@alibi/rotary'
import type { Fields } from './fields.js'

/** What each scaling may say; anything else would change the angles unseen. */
const KNOWN: ReadonlyMap<string, readonly string[]> = new Map([
  ['default', []],
  ['linear', ['factor']],
  [
    'yarn',
    [
      'factor',
      'original_max_position_embeddings',
      'beta_fast',
      'beta_slow',
      'attention_factor',
      'mscale',
      'mscale_all_dim',
      'truncate',
      'finetuned',
    ],
  ],
  ['llama3', ['factor', 'original_max_position_embeddings', 'low_freq_factor', 'high_freq_factor']],
  ['longrope', ['factor', 'original_max_position_embeddings', 'attention_factor', 'short_factor', 'long_factor']],
])

/** The names of scalings that are read. */
export const scalingNames: readonly string[] = [...KNOWN.keys()]

/** The fields of a scaling, besides those that every rotation has. */
export const fieldsOfScaling = (type: string): readonly string[] => KNOWN.get(type)!

/**
 * @param rope - `rope_parameters`, or what stands in its place
 * @param type - one of {@link scalingNames}
 * @param fields - config.json
 * @param pairs - of features that turn together
 * @throws Error, one line, that names the field
 */
export function readScaling(type: string, rope: Fields, fields: Fields, pairs: number): RotaryScaling | undefined {
  if (type === 'default') return undefined
  if (type === 'linear') return linearScaling({ factor: factorOf(rope) })
  const originalMaxPositions = originalOf(rope, fields)
  if (type === 'yarn') return yarnOf(rope, fields, originalMaxPositions)
  if (type === 'llama3') return llama3Of(rope, originalMaxPositions)
  for (const name of ['short_factor', 'long_factor'])
    if (rope.numbers(name).length !== pairs) rope.fail(name, `${name} to have ${pairs} numbers, one a pair,`)
  return longRopeOf(rope, fields, originalMaxPositions)
}

/** The train length of the frequencies: a field of config.json itself wins, as in transformers. */
function originalOf(rope: Fields, fields: Fields): number {
  const name = 'original_max_position_embeddings'
  if (fields.optional(name) === undefined)
    return rope.optional(name) === undefined ? fields.count('max_position_embeddings') : rope.count(name)
  const outer = fields.count(name)
  rope.only(name, outer)
  return outer
}

/** The factor of the whole scaling, ≥ 1. */
function factorOf(rope: Fields, fallback?: number): number {
  const factor = rope.number('factor', fallback)
  return factor >= 1 ? factor : rope.fail('factor', 'factor to be a number ≥ 1')
}

function yarnOf(rope: Fields, fields: Fields, originalMaxPositions: number): RotaryScaling {
  // A factor of null is the ratio of the two lengths; without the field, transformers fails.
  const implied = fields.optional('max_position_embeddings')
  const known = rope.names.includes('factor') && implied !== undefined
  const factor = factorOf(rope, known ? fields.count('max_position_embeddings') / originalMaxPositions : undefined)
  // transformers takes 0 as not given, and one of mscale and mscale_all_dim alone as neither.
  const given = (name: string, fallback?: number) => (rope.optional(name) ? rope.positive(name) : fallback)
  const betaFast = given('beta_fast', 32)!
  const betaSlow = given('beta_slow', 1)!
  if (betaFast <= betaSlow) rope.fail('beta_fast', `beta_fast to be above beta_slow, ${betaSlow},`)
  const mscale = given('mscale')
  const mscaleAllDim = given('mscale_all_dim')
  return yarnScaling({
    factor,
    originalMaxPositions,
    betaFast,
    betaSlow,
    truncate: rope.names.includes('truncate') ? rope.flag('truncate', false) : true,
    ...(rope.optional('attention_factor') !== undefined && { attentionFactor: rope.positive('attention_factor') }),
    ...(mscale && mscaleAllDim && { mscale, mscaleAllDim }),
  })
}

function llama3Of(rope: Fields, originalMaxPositions: number): RotaryScaling {
  const lowFrequencyFactor = rope.positive('low_freq_factor')
  const highFrequencyFactor = rope.positive('high_freq_factor')
  if (highFrequencyFactor <= lowFrequencyFactor)
    rope.fail('high_freq_factor', `high_freq_factor to be above low_freq_factor, ${lowFrequencyFactor},`)
  return llama3Scaling({ factor: factorOf(rope), originalMaxPositions, lowFrequencyFactor, highFrequencyFactor })
}

function longRopeOf(rope: Fields, fields: Fields, originalMaxPositions: number): RotaryScaling {
  const longer = () => fields.count('max_position_embeddings') / originalMaxPositions
  // Not longer than the original: nothing to make up for.
  const factor = rope.optional('factor') === undefined ? Math.max(1, longer()) : factorOf(rope)
  return longRopeScaling({
    shortFactors: rope.numbers('short_factor'),
    longFactors: rope.numbers('long_factor'),
    originalMaxPositions,
    factor,
    ...(rope.optional('attention_factor') !== undefined && { attentionFactor: rope.positive('attention_factor') }),
  })
}

/**
 * The fields of `rope_parameters` for a scaling: the reverse of {@link readScaling}.
 *
 * @returns undefined for a scaling that transformers has not
 */
export function writeScaling(scaling: RotaryScaling | undefined): Record<string, unknown> | undefined {
  if (!scaling) return { rope_type: 'default' }
  const { made } = scaling
  switch (made?.kind) {
    case 'linear':
      return { rope_type: 'linear', factor: made.factor }
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: made.factor,
        original_max_position_embeddings: made.originalMaxPositions,
        low_freq_factor: made.lowFrequencyFactor,
        high_freq_factor: made.highFrequencyFactor,
      }
    case 'yarn':
      return {
        rope_type: 'yarn',
        factor: made.factor,
        original_max_position_embeddings: made.originalMaxPositions,
        beta_fast: made.betaFast,
        beta_slow: made.betaSlow,
        truncate: made.truncate,
        attention_factor: made.attentionFactor,
      }
    case 'longrope':
      return {
        rope_type: 'longrope',
        factor: made.factor,
        original_max_position_embeddings: made.originalMaxPositions,
        short_factor: made.shortFactors,
        long_factor: made.longFactors,
        attention_factor: made.attentionFactor,
      }
    default:
      return undefined
  }
}
