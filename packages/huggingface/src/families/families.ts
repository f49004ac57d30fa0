import type { ModelConfig } from '@alibi/transformer'
import { bloom } from './bloom.js'
import type { Family } from './family.js'
import { gptNeox } from './gpt-neox.js'
import { gpt2 } from './gpt2.js'
import { llama } from './llama.js'
import { mpt } from './mpt.js'

const families: readonly Family[] = [bloom, mpt, gptNeox, llama, gpt2]

/** Families of models that {@link loadHuggingFace} reads and {@link saveHuggingFace} writes: `model_type` of config.json. */
export const huggingFaceFamilies: readonly string[] = families.map(({ name }) => name)

/** @throws Error, one line, for a name that is not one of {@link huggingFaceFamilies} */
export function familyOf(where: string, name: unknown): Family {
  const family = families.find((each) => each.name === name)
  if (!family)
    throw new Error(
      `${where}: expected model_type ${huggingFaceFamilies.join(', ')}, got ${typeof name === 'string' ? name : (JSON.stringify(name) ?? 'none')}`,
    )
  return family
}

/**
 * What a model needs to be one of a family, besides its sizes and the strategy.
 *
 * @throws Error, one line, for a name that is not one of {@link huggingFaceFamilies}
 */
export const huggingFaceArchitecture = (name: string): Partial<ModelConfig> => ({
  embeddingScale: false,
  finalNorm: true,
  ...familyOf('huggingFaceArchitecture', name).architecture,
})
