import { fail } from './check.js'
import { checkStrategy } from './check-strategy.js'
import { defineStrategy } from './define-strategy.js'
import { type ParameterValues, scopeOf } from './parameters.js'
import { biasOfDistances, scoreBias } from './score-bias.js'
import type {
  Embedding,
  Gate,
  LinearBias,
  PositionStrategy,
  RelativeTerms,
  Rotation,
  ScoreBias,
  ScoreRewrite,
  SinkLogit,
  Visibility,
} from './strategy.js'

/** A strategy with the hooks that any of the parts has. */
export type Composed<Parts extends readonly PositionStrategy[]> = PositionStrategy &
  Having<Parts[number], 'embedding', Embedding> &
  Having<Parts[number], 'rotation', Rotation> &
  Having<Parts[number], 'bias', ScoreBias> &
  Having<Parts[number], 'gate', Gate> &
  Having<Parts[number], 'terms', RelativeTerms> &
  Having<Parts[number], 'scores', ScoreRewrite> &
  Having<Parts[number], 'visibility', Visibility> &
  Having<Parts[number], 'sink', SinkLogit>

type Having<Part, Name extends string, Hook> =
  Extract<Part, { readonly [N in Name]: Hook }> extends never ? unknown : { readonly [N in Name]: Hook }

/**
 * Several strategies as one. Embeddings, biases and gates add up; any other hook may come from one part only.
 * Parameters are named `<part>.<name>` and keep their scope. The sum of biases has the most specific kind that fits
 * them all: linear, else distance, else pair. If a part has layers, each layer is composed.
 *
 * @throws RangeError if two parts have a hook that only one may have (two rotations), share a name, or disagree on
 * modelDim, numHeads or headDim; TypeError for a part that is no strategy
 */
export function compose<const Parts extends readonly PositionStrategy[]>(...parts: Parts): Composed<Parts> {
  for (const part of parts) checkStrategy('compose', part)
  const names = parts.map((part) => part.name)
  if (new Set(names).size < names.length) fail('compose', 'distinct names', names.join(', '))
  checkSizes(parts)
  const name = names.join('+') || 'none'
  const maxPositions = Math.min(...parts.map((part) => part.maxPositions ?? Infinity))
  const limits = maxPositions < Infinity ? { maxPositions } : {}
  if (!parts.some((part) => part.layers)) {
    const whole = { name, ...parametersOf(parts), ...limits, ...embeddingOf(parts), ...attentionHooks(parts) }
    return defineStrategy(whole as PositionStrategy) as Composed<Parts>
  }
  const bottom = parts
    .filter((part) => part.embedding)
    .map(({ name, specVersion, parameters, embedding }) => ({ name, specVersion, parameters, embedding }))
  return defineStrategy({
    name,
    ...limits,
    ...parametersOf(bottom as PositionStrategy[]),
    ...embeddingOf(parts),
    layers: layersOf(parts),
  } as Omit<PositionStrategy, 'specVersion'>) as unknown as Composed<Parts>
}

/** Composes the parts layer by layer, up to the first layer at which all patterns end together. */
function layersOf(parts: readonly PositionStrategy[]): PositionStrategy[] {
  const lengths = parts.map((part) => part.layers?.length ?? 1)
  const common = lengths.reduce((a, b) => (a * b) / greatestDivisor(a, b), 1)
  const made = new Map<string, PositionStrategy>()
  return Array.from({ length: common }, (_, layer) => {
    const each = parts
      .map((part) => part.layers?.[layer % part.layers.length] ?? withoutEmbedding(part))
      .map((part, i) => ({ part, key: `${i}:${parts[i]!.layers?.indexOf(part) ?? 0}` }))
      // Parts without hooks in this layer, such as none(), are left out.
      .filter(({ part }) => HOOKS.some((hook) => hook in part))
    // Layers of the same parts use one object, so that they share its parameters.
    const key = each.map((one) => one.key).join()
    const composed = made.get(key) ?? compose(...each.map(({ part }) => part))
    made.set(key, composed)
    return composed
  })
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b))

/** A part as its layers use it: without the embedding and its parameters, which enter once, before the first layer. */
function withoutEmbedding({ embedding, ...part }: PositionStrategy): PositionStrategy {
  if (!embedding) return part
  if (HOOKS.some((hook) => hook in part))
    fail('compose', 'a part that only embeds, beside one with layers', `${part.name}, which does more; pass two parts`)
  const { parameters: _, parameterScope: __, ...rest } = part
  return rest
}

const HOOKS = ['rotation', 'bias', 'gate', 'terms', 'scores', 'sink', 'visibility']

/** @throws RangeError unless all hooks of the parts have the sizes of one model */
function checkSizes(parts: readonly PositionStrategy[]): void {
  const hooks = parts
    .flatMap((part) => [part, ...(part.layers ?? [])])
    .flatMap((part) => [part.embedding, part.rotation, part.bias, part.gate, part.terms, part.scores, part.sink])
  for (const size of ['numHeads', 'headDim', 'modelDim'])
    onlyOne(
      size,
      parts,
      hooks.map((hook) => (hook as Readonly<Record<string, unknown>> | undefined)?.[size]),
    )
}

/** The value that the parts agree on; undefined if none has one. Throws where they differ. */
function onlyOne<V>(
  what: string,
  parts: readonly PositionStrategy[],
  values: readonly (V | undefined)[],
): V | undefined {
  const [first, ...others] = new Set(values.filter((value) => value !== undefined))
  return others.length
    ? fail('compose', `one ${what}`, `several of ${parts.map((part) => part.name).join(', ')}`)
    : first
}

function embeddingOf(parts: readonly PositionStrategy[]): Pick<PositionStrategy, 'embedding'> {
  const embeddings = parts.flatMap((part) => (part.embedding ? bind(part, part.embedding) : []))
  const [first] = embeddings
  if (!first) return {}
  return {
    embedding: {
      modelDim: first.modelDim,
      evaluate: (ops, all, at) => embeddings.map((each) => each.evaluate(ops, all, at)).reduce((a, b) => ops.add(a, b)),
    },
  }
}

/** All hooks but the embedding. */
function attentionHooks(parts: readonly PositionStrategy[]): Partial<PositionStrategy> {
  const only = <Name extends 'rotation' | 'terms' | 'scores' | 'visibility' | 'sink'>(hook: Name) => {
    const value = onlyOne(
      hook,
      parts,
      parts.map((part) => part[hook]),
    )
    const owner = parts.find((part) => part[hook] !== undefined)
    return value === undefined ? {} : { [hook]: bind(owner!, value) }
  }
  const biases = parts.flatMap((part) => (part.bias ? bind<ScoreBias>(part, part.bias) : []))
  const gates = parts.flatMap((part) => (part.gate ? bind<Gate>(part, part.gate) : []))
  const [bias, gate] = [sumOf(biases), sumOfGates(gates)]
  return {
    ...only('rotation'),
    ...only('terms'),
    ...only('scores'),
    ...only('visibility'),
    ...only('sink'),
    ...(bias && { bias }),
    ...(gate && { gate }),
  }
}

/** The sum of the gates: shares multiply, so their logarithms add up. */
function sumOfGates(gates: readonly Gate[]): Gate | undefined {
  const [first] = gates
  if (!first || gates.length === 1) return first
  return {
    ...first,
    evaluate: (ops, all, x) => gates.map((each) => each.evaluate(ops, all, x)).reduce((a, b) => ops.add(a, b)),
  }
}

/** The parts' parameters by their new names. If their scopes differ, each declares its own. */
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

/** The sum of biases for the same number of heads, in the most specific kind that fits them all. */
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

/** Functions of a rotation that take positions, without ops or parameters. */
const WITHOUT_PARAMETERS = ['angles', 'magnitudes']

/**
 * The hook, with functions that pick their part's parameters out of all and pass them on. A rotation that has none stays what
 * it is, so that who made it knows it.
 */
function bind<Hook extends object>({ name, parameters = {}, rotation }: PositionStrategy, hook: Hook): Hook {
  if ((hook as object) === rotation && !rotation.trainedAngles) return hook
  const own = (all: ParameterValues<unknown>) =>
    Object.fromEntries(Object.keys(parameters).map((k) => [k, all[`${name}.${k}`]]))
  return Object.fromEntries(
    Object.entries(hook).map(([key, value]) => {
      if (typeof value !== 'function') return [key, value]
      if (WITHOUT_PARAMETERS.includes(key)) return [key, value.bind(hook)]
      return [
        key,
        (ops: unknown, all: ParameterValues<unknown>, ...at: unknown[]) => value.call(hook, ops, own(all), ...at),
      ]
    }),
  ) as Hook
}
