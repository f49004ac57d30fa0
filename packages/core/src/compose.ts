import { fail } from './check.js'
import type { ParameterValues } from './parameters.js'
import { scoreBias } from './score-bias.js'
import type { PositionStrategy, ScoreBias } from './strategy.js'

/**
 * Several strategies as one: embeddings and biases add up; at most one part rotates. Parameters are named
 * `<part>.<name>`.
 *
 * @throws RangeError if two parts rotate, share a name, or disagree on modelDim, numHeads or parameterScope
 */
export function compose(...parts: readonly PositionStrategy[]): PositionStrategy {
  const names = parts.map((part) => part.name)
  const need = (valid: boolean, what: string) => valid || fail('compose', what, names)
  const agree = <V>(what: string, value: (part: PositionStrategy) => V | undefined): V | undefined => {
    const [first, ...rest] = new Set(parts.map(value).filter(Boolean))
    need(!rest.length, `one ${what}`)
    return first
  }
  need(new Set(names).size === names.length, 'distinct names')
  const rotation = agree('rotation', (part) => part.rotation)
  const modelDim = agree('modelDim', (part) => part.embedding?.modelDim)
  const numHeads = agree('numHeads', (part) => part.bias?.numHeads)
  const scope = agree('parameterScope', (part) => part.parameters && (part.parameterScope ?? 'model'))

  const specs = parts.flatMap((p) => Object.entries(p.parameters ?? {}).map(([k, v]) => [`${p.name}.${k}`, v] as const))
  const maxPositions = Math.min(...parts.map((part) => part.maxPositions ?? Infinity))
  const embeddings = parts.flatMap((part) => (part.embedding ? bind(part, part.embedding) : []))
  const biases = parts.flatMap((part) => (part.bias ? bind<ScoreBias>(part, part.bias) : []))
  return Object.freeze({
    specVersion: 1,
    name: names.join('+') || 'none',
    ...(specs.length && { parameters: Object.fromEntries(specs) }),
    ...(scope && { parameterScope: scope }),
    ...(maxPositions < Infinity && { maxPositions }),
    ...(rotation && { rotation }),
    ...(modelDim && {
      embedding: {
        modelDim,
        evaluate: (ops, all, at) => embeddings.map((each) => each.evaluate(ops, all, at)).reduce(ops.add),
      },
    }),
    ...(numHeads && {
      // A sum of several is stated for pairs, which every kernel understands; one alone keeps its kind.
      bias: biases[1]
        ? {
            kind: 'pair',
            numHeads,
            evaluate: (ops, all, q, k) => biases.map((each) => scoreBias(ops, each, all, q, k)).reduce(ops.add),
          }
        : biases[0],
    }),
  } as PositionStrategy)
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
