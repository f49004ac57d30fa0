import type { ModelConfig } from '@alibi/transformer'
import { bloom } from './bloom.js'
import { falcon } from './falcon.js'
import type { Family, FamilyPositions } from './family.js'
import { foreignFields } from './foreign.js'
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
import { scalingNames } from './rope-scaling.js'
import { smollm3 } from './smollm3.js'

// biome-ignore format: a table
const families: readonly Family[] = [
  bloom, mpt, gptNeox, llama, gpt2, mistral, qwen2, qwen3, smollm3, gemma3, phi3, opt, falcon, olmo2, olmo3,
]

/** Families of models that {@link loadHuggingFace} reads and {@link saveHuggingFace} writes: `model_type` of config.json. */
export const huggingFaceFamilies: readonly string[] = families.map(({ name }) => name)

/** What is read and refused of a family, from the data that its reader goes by. */
export interface HuggingFaceFamily {
  /** `model_type` of config.json. */
  readonly name: string
  /** The class of transformers that its models are of. */
  readonly className: string
  /** Kinds of positions that its models may have. */
  readonly positions: readonly FamilyPositions[]
  /** Scalings of rotary positions, by their `rope_type`. */
  readonly scalings: readonly string[]
  /** Where its models may have windows; undefined where they have none. */
  readonly windows: 'every layer' | 'some layers' | undefined
  /** Whether some layers may have no positions. */
  readonly skipsLayers: boolean
  /** Choices of a model, by their names in `ModelConfig`, that are read from config.json besides its sizes. */
  readonly choices: readonly (keyof ModelConfig)[]
  /** Fields of config.json that are refused but for these values, null and none; `a.b` is b of the object a. */
  readonly only: Readonly<Record<string, readonly unknown[]>>
  /** The same for fields with which other models compute something that this family never does. */
  readonly foreign: Readonly<Record<string, readonly unknown[]>>
}

/** Each of {@link huggingFaceFamilies} with what is read and refused of it. */
export const describeHuggingFaceFamilies = (): readonly HuggingFaceFamily[] =>
  families.map((family) => {
    const { name, className, positions, free, also = {}, reads = [], only = {} } = family
    const windows = reads.includes('layer_types') ? 'some layers' : 'every layer'
    return {
      ...{ name, className, positions },
      scalings: positions.includes('rotary') ? (family.scalings ?? scalingNames) : [],
      windows: reads.includes('sliding_window') ? windows : undefined,
      skipsLayers: reads.includes('no_rope_layers'),
      choices: [...free, ...(Object.keys(also) as (keyof ModelConfig)[])],
      only,
      foreign: foreignFields(reads),
    }
  })

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
