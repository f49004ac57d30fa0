// What is said of the families is what their readers do.
import { readdir, readFile } from 'node:fs/promises'
import { layerStrategy, type PositionStrategy } from '@alibi/core'
import { describe, expect, it } from 'vitest'
import { describeHuggingFaceFamilies, huggingFaceFamilies, huggingFaceStrategy } from '../src/index.js'

const golden = new URL('golden/', import.meta.url)
const read = async (name: string) => JSON.parse(await readFile(new URL(name, golden), 'utf8'))
type Config = Record<string, unknown>
const files = [
  await read('huggingface.json'),
  ...(
    await Promise.all((await readdir(new URL('families/', golden))).map(async (name) => read(`families/${name}`)))
  ).map(({ cases }) => cases),
]
const configs: Config[] = files.flatMap((cases) =>
  Object.values<{ config?: Config }>(cases).flatMap(({ config }) => (config ? [config] : [])),
)

const layersOf = ({ strategy }: { strategy: PositionStrategy }) =>
  Array.from({ length: strategy.layers?.length ?? 1 }, (_, layer) => layerStrategy(strategy, layer))
const kindsOf = ({ embedding, rotation, bias }: PositionStrategy) => [
  ...(embedding ? ['a learned table'] : []),
  ...(rotation ? ['rotary'] : []),
  ...(bias ? ['ALiBi'] : []),
]
const SCALINGS: Record<string, object> = {
  linear: { factor: 2 },
  yarn: { factor: 2, original_max_position_embeddings: 8 },
  llama3: { factor: 2, original_max_position_embeddings: 8, low_freq_factor: 1, high_freq_factor: 4 },
}

it('names every family', () => {
  expect(describeHuggingFaceFamilies().map(({ name }) => name)).toEqual(huggingFaceFamilies)
})

describe.each(describeHuggingFaceFamilies().map((family) => [family.name, family] as const))('%s', (name, family) => {
  const own = configs.filter((config) => config.model_type === name)
  const layers = own.flatMap((config) => layersOf(huggingFaceStrategy(config)))

  it('has the positions of its models, and no others', () => {
    expect(own.length).toBeGreaterThan(0)
    expect(new Set(layers.flatMap(kindsOf))).toEqual(new Set(family.positions))
    const windows = own.map((config) => layersOf(huggingFaceStrategy(config)).map((layer) => layer.visibility))
    expect(windows.some((each) => each.some(Boolean))).toBe(family.windows !== undefined)
    expect(windows.some((each) => each.some(Boolean) && !each.every(Boolean))).toBe(family.windows === 'some layers')
    expect(layers.some((layer) => !kindsOf(layer).length)).toBe(family.skipsLayers)
  })

  it('takes its scalings, and no others', () => {
    const [config] = own.filter((each) => each.alibi !== true)
    const isByType = family.name === 'gemma3_text' || family.name === 'olmo3'
    // A head that rotates in part would need a share that leaves whole pairs.
    const whole = name === 'gpt_neox' && { partial_rotary_factor: 1, rotary_pct: 1 }
    for (const [type, options] of Object.entries(SCALINGS)) {
      // Another name of longrope there.
      if (!family.scalings.length || (name === 'phi3' && type === 'yarn')) continue
      const rope = { rope_type: type, rope_theta: family.only.rope_theta?.[0] ?? 10_000, ...options }
      const rope_parameters = isByType ? { full_attention: rope, sliding_attention: { rope_type: 'default' } } : rope
      const read = () => huggingFaceStrategy({ ...config, ...whole, rope_parameters, rope_scaling: null })
      if (family.scalings.includes(type)) expect(read, type).not.toThrow()
      else expect(read, type).toThrow(`rope_type "${type}"`)
    }
  })

  it('refuses the fields that it names', () => {
    for (const field of Object.keys(family.only)) {
      const [outer, inner] = field.split('.') as [string, string?]
      const config: Config = {
        ...own[0],
        [outer]: inner ? { ...(own[0]![outer] as object), [inner]: 'other' } : 'other',
      }
      expect(() => huggingFaceStrategy(config), field).toThrow(`${field} "other"`)
    }
  })
})
