import { fail } from './check.js'
import { checkStrategy } from './check-strategy.js'
import { defineStrategy } from './define-strategy.js'
import { type ParameterValues, scopeOf } from './parameters.js'
import { biasOfDistances, scoreBias } from './score-bias.js'
import type { Embedding, LinearBias, PositionStrategy, Rotation, ScoreBias } from './strategy.js'

/** A strategy with the hooks that any of the parts has. */
export type Composed<Parts extends readonly PositionStrategy[]> = PositionStrategy &
  Having<Parts[number], 'embedding', Embedding> &
  Having<Parts[number], 'rotation', Rotation> &
  Having<Parts[number], 'bias', ScoreBias>

type Having<Part, Name extends string, Hook> =
  Extract<Part, { readonly [N in Name]: Hook }> extends never ? unknown : { readonly [N in Name]: Hook }

/**
 * Several strategies as one: embeddings and biases add up; at most one part rotates. Parameters are named
 * `<part>.<name>`, each of the scope that it has in its part. The sum of biases is of the most specific kind that all of
 * them are: linear, else distance, else pair.
 *
 * @throws RangeError if two parts rotate, share a name, or disagree on modelDim or numHeads; TypeError for a part that is
 * no strategy
 */
export function compose<const Parts extends readonly PositionStrategy[]>(...parts: Parts): Composed<Parts> {
  for (const part of parts) checkStrategy('compose', part)
  const names = parts.map((part) => part.name)
  if (new Set(names).size < names.length) fail('compose', 'distinct names', names.join(', '))
  const agree = <V>(what: string, values: readonly (V | undefined)[]): V | undefined => {
    const [first, ...others] = new Set(values.filter((value) => value !== undefined))
    return others.length ? fail('compose', `one ${what}`, `several of ${names.join(', ')}`) : first
  }
  const rotation = agree(
    'rotation',
    parts.map((part) => part.rotation),
  )
  const modelDim = agree(
    'modelDim',
    parts.map((part) => part.embedding?.modelDim),
  )
  agree(
    'numHeads',
    parts.map((part) => part.bias?.numHeads),
  )

  const maxPositions = Math.min(...parts.map((part) => part.maxPositions ?? Infinity))
  const embeddings = parts.flatMap((part) => (part.embedding ? bind(part, part.embedding) : []))
  const bias = sumOf(parts.flatMap((part) => (part.bias ? bind<ScoreBias>(part, part.bias) : [])))
  return defineStrategy({
    name: names.join('+') || 'none',
    ...parametersOf(parts),
    ...(maxPositions < Infinity && { maxPositions }),
    ...(rotation && { rotation }),
    ...(modelDim && {
      embedding: {
        modelDim,
        evaluate: (ops, all, at) =>
          embeddings.map((each) => each.evaluate(ops, all, at)).reduce((a, b) => ops.add(a, b)),
      },
    }),
    ...(bias && { bias }),
  } as PositionStrategy) as Composed<Parts>
}

/** The parts' parameters by their new names; each says its scope where they differ. */
function parametersOf(parts: readonly PositionStrategy[]): Pick<PositionStrategy, 'parameters' | 'parameterScope'> {
  const all = parts.flatMap((part) =>
    Object.entries(part.parameters ?? {}).map(([name, spec]) => ({
      name: `${part.name}.${name}`,
      spec: { ...spec, scope: scopeOf(part, name) },
    })),
  )
  if (!all.length) return {}
  const scopes = new Set(all.map(({ spec }) => spec.scope))
  if (scopes.size > 1) return { parameters: Object.fromEntries(all.map(({ name, spec }) => [name, spec])) }
  const [parameterScope] = scopes
  const specs = all.map(({ name, spec: { scope: _, ...spec } }) => [name, spec] as const)
  return { parameters: Object.fromEntries(specs), ...(parameterScope && { parameterScope }) }
}

/** Biases of as many heads as one: as specific a kind as all of them are. */
function sumOf(biases: readonly ScoreBias[]): ScoreBias | undefined {
  const [first] = biases
  if (!first || biases.length === 1) return first
  const { numHeads } = first
  if (biases.every((bias) => bias.kind === 'linear'))
    return {
      kind: 'linear',
      numHeads,
      slopes: (ops, all) => biases.map((each) => each.slopes(ops, all)).reduce((a, b) => ops.add(a, b)),
    } satisfies LinearBias
  if (biases.every((bias) => bias.kind !== 'pair'))
    return {
      kind: 'distance',
      numHeads,
      evaluate: (ops, all, distances) =>
        biases.map((each) => biasOfDistances(ops, each, all, distances)).reduce((a, b) => ops.add(a, b)),
    }
  return {
    kind: 'pair',
    numHeads,
    evaluate: (ops, all, q, k) => biases.map((each) => scoreBias(ops, each, all, q, k)).reduce((a, b) => ops.add(a, b)),
  }
}

/** A hook whose functions find their part's parameters among all of them. */
function bind<Hook extends object>({ name, parameters = {} }: PositionStrategy, hook: Hook): Hook {
  return Object.fromEntries(
    Object.entries(hook).map(([key, value]) => [
      key,
      typeof value === 'function'
        ? (ops: unknown, all: ParameterValues<unknown>, ...at: unknown[]) =>
            value.call(
              hook,
              ops,
              Object.fromEntries(Object.keys(parameters).map((k) => [k, all[`${name}.${k}`]])),
              ...at,
            )
        : value,
    ]),
  ) as Hook
}
