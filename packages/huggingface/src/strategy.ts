import type { PositionStrategy } from '@alibi/core'
import { familyOf } from './families/families.js'
import { readFamily } from './families/family.js'
import { fieldsOf } from './families/fields.js'

/**
 * The position strategy that a config.json describes, for whoever kept it: a model that was trained on from such a folder needs
 * neither the folder nor its weights.
 *
 * @param config - the object in config.json
 * @returns the strategy, and tokens of the sequences it was trained on, where config.json says so
 * @throws Error, one line, for another family, or a variant that is not supported
 */
export function huggingFaceStrategy(config: Readonly<Record<string, unknown>>): {
  readonly strategy: PositionStrategy
  readonly trainLength: number | undefined
} {
  const family = familyOf('huggingFaceStrategy: config.json', config.model_type)
  const { strategy, trainLength } = readFamily(family, fieldsOf(config, `huggingFaceStrategy ${family.name}`), () => {})
  return { strategy, trainLength }
}
