// Positions of a model in words, layer by layer.
import { layerStrategy, type PositionStrategy, type Rotation, reference } from '@alibi/core'
import { rotaryOptions } from '@alibi/rotary'

/** Layers that have the same positions. */
export interface DescribedLayers {
  /** Counted from 0, as in the names of arrays. */
  readonly layers: readonly number[]
  readonly positions: string
}

/** What each layer knows of positions; layers alike are together. */
export function describePositions(strategy: PositionStrategy, numLayers: number, headDim: number): DescribedLayers[] {
  const alike = new Map<string, number[]>()
  for (let layer = 0; layer < numLayers; layer++) {
    const text = describePart(layerStrategy(strategy, layer), strategy, headDim)
    alike.set(text, [...(alike.get(text) ?? []), layer])
  }
  return Array.from(alike, ([positions, layers]) => ({ layers, positions }))
}

/** @param whole - the strategy of all layers, which has the embedding */
function describePart(part: PositionStrategy, whole: PositionStrategy, headDim: number): string {
  const { rotation, bias, gate, terms, scores, sink, visibility } = part
  const table = whole.maxPositions === undefined ? whole.name : `${whole.name}, ${count(whole.maxPositions)} positions`
  const kinds = [
    whole.embedding && `${table}, added to the tokens`,
    rotation && describeRotation(part.name, rotation, headDim),
    bias && describeBias(part),
    gate && `a gate (${part.name})`,
    terms && `relative terms (${part.name})`,
    scores && `rewritten scores (${part.name})`,
  ].filter(Boolean)
  const { window, sinks } = visibility ?? {}
  return [
    ...(kinds.length ? kinds : ['none']),
    ...(window === undefined ? [] : [`a window of ${count(window)} keys`]),
    ...(sinks ? [`${count(sinks)} first tokens always seen`] : []),
    ...(sink ? ['a sink logit a head'] : []),
  ].join('; ')
}

function describeRotation(name: string, rotation: Rotation, headDim: number): string {
  const features = `${rotation.rotaryDim} of ${headDim} features of a head`
  const made = rotaryOptions(rotation)
  if (!made) return `${name}, ${features}`
  const { base, pairing, scaling } = made
  const scaled = scaling && (scaling.made ? describeOptions(scaling.made) : 'a scaling of its own')
  return [
    `rotary, ${features}, base ${count(base)}`,
    ...(pairing === 'interleaved' ? ['neighbours in pairs'] : []),
    ...(scaled ? [`scaled: ${scaled}`] : []),
  ].join(', ')
}

/** e.g. `yarn (factor 4, originalMaxPositions 2,048)` */
function describeOptions({ kind, ...options }: { readonly kind: string } & object): string {
  const told = Object.entries(options).map(([name, value]) => {
    if (Array.isArray(value)) return `${value.length} ${name}`
    return typeof value === 'number' ? `${name} ${count(value)}` : `${name} ${value}`
  })
  return told.length ? `${kind} (${told.join(', ')})` : kind
}

function describeBias({ name, bias, parameters }: PositionStrategy): string {
  if (bias!.kind !== 'linear') return `${name}, a bias of ${bias!.kind === 'pair' ? 'two positions' : 'the distance'}`
  if (parameters) return `${name}, trained slopes`
  const slopes = [...bias!.slopes(reference, {}).data]
  const [least, most] = [Math.min(...slopes), Math.max(...slopes)]
  return `${name}, slopes ${least === most ? digits(most) : `${digits(most)} to ${digits(least)}`}`
}

const digits = (value: number) => String(Number(value.toPrecision(3)))
const count = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 4 })

/** e.g. `layers 0–4, 6` */
export function layerRanges(layers: readonly number[]): string {
  const ranges: [from: number, to: number][] = []
  for (const layer of layers) {
    const last = ranges.at(-1)
    if (last?.[1] === layer - 1) last[1] = layer
    else ranges.push([layer, layer])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ')
}
