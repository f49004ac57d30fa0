import type * as tf from '@tensorflow/tfjs'

/** Kinds of pass that a model keeps graphs of; the least used one goes. */
const MOST = 4

type Parameters = ReadonlyMap<string, tf.Variable>

interface Disposable {
  dispose(): void
}

interface Kept {
  readonly settings: readonly unknown[]
  readonly graphs: Disposable
}

/** By the arrays of a model, the most recently used last. */
const all = new WeakMap<Parameters, Kept[]>()

/**
 * The graphs of one kind of pass of a model: made once, and kept for the next time until the model is disposed or makes many
 * other kinds.
 *
 * @param settings - all that makes them what they are; compared one by one
 */
export function keptGraphs<T extends Disposable>(
  parameters: Parameters,
  settings: readonly unknown[],
  make: () => T,
): T {
  const kept = all.get(parameters) ?? []
  all.set(parameters, kept)
  const found = kept.findIndex((each) => isSame(each.settings, settings))
  const [mine = { settings, graphs: make() }] = found < 0 ? [] : kept.splice(found, 1)
  kept.push(mine)
  if (kept.length > MOST) kept.shift()!.graphs.dispose()
  return mine.graphs as T
}

/** Frees all graphs of a model. */
export function disposeKeptGraphs(parameters: Parameters): void {
  for (const { graphs } of all.get(parameters) ?? []) graphs.dispose()
  all.delete(parameters)
}

const isSame = (a: readonly unknown[], b: readonly unknown[]) =>
  a.length === b.length && a.every((setting, i) => setting === b[i])
