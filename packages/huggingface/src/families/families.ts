import type { ModelConfig } from '@alibi/transformer'
import { bloom } from './bloom.js'
import { falcon } from './falcon.js'
import type { Family } from './family.js'
import { gemma3 } from './gemma3.js'
import { gptNeox } from './gpt-neox.js'
import { gpt2 } from './gpt2.js'
import { llama } from './llama.js'
import { mistral } from './mistral.js'
import { mpt } from './mpt.js'
import { olmo2 } from './olmo2.js'
import { olmo3 } from './olmo3.js'
import { opt } from './opt.js'
import { phi3 } from './phi3.js'
import { qwen2 } from './qwen2.js'
import { qwen3 } from './qwen3.js'
import { smollm3 } from './smollm3.js'

// biome-ignore format: a table
const families: readonly Family[] = [
  bloom, mpt, gptNeox, llama, gpt2, mistral, qwen2, qwen3, smollm3, gemma3, phi3, opt, falcon, olmo2, olmo3,
]

/** Families of models that {@link loadHuggingFace} reads and {@link saveHuggingFace} writes: `model_type` of config.json. */
export const huggingFaceFamilies: readonly string[] = families.map(({ name }) => name)

/** Fields that say that a model has several MLPs for tokens to choose from. */
const EXPERTS = ['num_local_experts', 'num_experts', 'n_routed_experts', 'moe_num_experts']

/**
 * @param json - config.json, of which a refusal names what no family has
 * @throws Error, one line, for a name that is not one of {@link huggingFaceFamilies}
 */
export function familyOf(where: string, name: unknown, json: Readonly<Record<string, unknown>> = {}): Family {
  const family = families.find((each) => each.name === name)
  if (!family) {
    const experts = EXPERTS.find((each) => typeof json[each] === 'number')
    const why = experts ? ` with ${experts} ${json[experts]}: mixtures of experts are not read` : ''
    throw new Error(
      `${where}: expected model_type ${huggingFaceFamilies.join(', ')}, got ${typeof name === 'string' ? name : (JSON.stringify(name) ?? 'none')}${why}`,
    )
  }
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
