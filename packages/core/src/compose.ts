import type { ParameterValues } from './parameters.js'
import { scoreBias } from './score-bias.js'
import type { Embedding, PositionStrategy, ScoreBias } from './strategy.js'
import type { TensorOps } from './tensor-ops.js'

/**
 * Several strategies as one: embeddings and biases add up; at most one part rotates. Parameters are named
 * `<part>.<name>`.
 *
 * @throws RangeError if two parts rotate, share a name, or disagree on modelDim, numHeads or parameterScope
 */
export function compose(...parts: readonly PositionStrategy[]): PositionStrategy {
  const agree = <V>(what: string, values: readonly (V | undefined)[]): V | undefined => {
    const distinct = new Set(values.filter((v) => v !== undefined))
    if (distinct.size > 1)
      throw new RangeError(`compose: expected parts with one ${what}, got ${[...distinct].join(' and ')}`)
    return [...distinct][0]
  }
  const names = parts.map((p) => p.name)
  if (new Set(names).size < names.length)
    throw new RangeError(`compose: expected parts with distinct names, got ${names}`)
  const rotating = parts.filter((p) => p.rotation)
  if (rotating.length > 1)
    throw new RangeError(`compose: expected at most one part that rotates, got ${rotating.map((p) => p.name)}`)

  const specs = parts.flatMap((p) => Object.entries(p.parameters ?? {}).map(([k, v]) => [`${p.name}.${k}`, v] as const))
  const own = <T>(part: PositionStrategy, all: ParameterValues<T>): ParameterValues<T> =>
    Object.fromEntries(Object.keys(part.parameters ?? {}).map((k) => [k, all[`${part.name}.${k}`]!]))
  const scope = agree(
    'parameterScope',
    parts.map((p) => p.parameters && (p.parameterScope ?? 'model')),
  )
  const limits = parts.flatMap((p) => p.maxPositions ?? [])

  const embedded = parts.filter((p): p is PositionStrategy & { embedding: Embedding } => !!p.embedding)
  const modelDim = agree(
    'modelDim',
    embedded.map((p) => p.embedding.modelDim),
  )
  const biased = parts.filter((p): p is PositionStrategy & { bias: ScoreBias } => !!p.bias)
  const numHeads = agree(
    'numHeads',
    biased.map((p) => p.bias.numHeads),
  )

  const sum = <T, P>(ops: TensorOps<T>, list: readonly P[], value: (part: P) => T) => list.map(value).reduce(ops.add)
  // A sum of several is stated for pairs, which every kernel understands; a sum of one keeps its kind.
  const total = (numHeads: number): ScoreBias => ({
    kind: 'pair',
    numHeads,
    evaluate: (ops, parameters, queries, keys) =>
      sum(ops, biased, (p) => scoreBias(ops, p.bias, own(p, parameters), queries, keys)),
  })
  const renamed = (part: (typeof biased)[number]): ScoreBias => {
    const { bias } = part
    if (bias.kind === 'linear') return { ...bias, slopes: (ops, all) => bias.slopes(ops, own(part, all)) }
    if (bias.kind === 'pair') return total(bias.numHeads)
    return {
      ...bias,
      kind: 'distance',
      evaluate: (ops, all, distances) => bias.evaluate(ops, own(part, all), distances),
    }
  }
  return Object.freeze({
    specVersion: 1,
    name: names.join('+') || 'none',
    ...(specs.length && { parameters: Object.fromEntries(specs) }),
    ...(scope && { parameterScope: scope }),
    ...(limits.length && { maxPositions: Math.min(...limits) }),
    ...(rotating[0]?.rotation && { rotation: rotating[0].rotation }),
    ...(modelDim && {
      embedding: {
        modelDim,
        evaluate: <T>(ops: TensorOps<T>, parameters: ParameterValues<T>, positions: Int32Array) =>
          sum(ops, embedded, (p) => p.embedding.evaluate(ops, own(p, parameters), positions)),
      },
    }),
    ...(numHeads && {
      bias: biased.length > 1 ? total(numHeads) : renamed(biased[0]!),
    }),
  } satisfies PositionStrategy)
}
