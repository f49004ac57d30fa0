import * as tf from '@tensorflow/tfjs'
import type { Session } from './session.js'

/**
 * Keeps the variables of TensorFlow.js and those of graphs the same. Each graph has variables of its own; on a processor
 * both sides share the memory of equal values, so that nothing is copied.
 */
export interface SharedVariables {
  /** Brings the variables of TensorFlow.js up to date. */
  sync(): void
  /** Runs a graph with the newest values. One that assigns variables holds the newest values from then on. */
  run(session: Session, inputs: readonly tf.Tensor[]): tf.Tensor[]
  /** Takes a graph's values before it goes. */
  leave(session: Session): void
}

export function shareVariables(variables: readonly tf.Variable[]): SharedVariables {
  /** The graph that holds newer values than the `tf.Variable`s; undefined when they agree. */
  let newest: Session | undefined
  /** What each variable held when it was last the same on both sides. */
  const seen = new WeakMap<Session, readonly object[]>()
  const held = () => variables.map(({ dataId }) => dataId)

  function sync(): void {
    if (!newest) return
    newest.download(variables)
    seen.set(newest, held())
    newest = undefined
  }
  return {
    sync,
    run(session, inputs) {
      if (newest !== session) sync()
      const now = held()
      const before = seen.get(session)
      session.upload(
        variables,
        [...now.keys()].filter((i) => now[i] !== before?.[i]),
      )
      seen.set(session, now)
      const results = session.run(inputs)
      if (session.assigned.length) newest = session
      return results
    },
    leave(session) {
      if (newest === session) sync()
      seen.delete(session)
    },
  }
}

/**
 * Runs something that may assign variables.
 *
 * @returns what it gives, and a function that gives each variable back what it held, or lets that go
 */
export function withUndo<T>(variables: readonly tf.Variable[], run: () => T) {
  const before = new Map<tf.Variable, tf.Tensor>()
  for (const variable of variables)
    variable.assign = function assign(value) {
      // Its first assignment: from here on, the method is again the class's.
      delete (variable as Partial<tf.Variable>).assign
      before.set(variable, tf.keep(tf.clone(variable)))
      variable.assign(value)
    }
  const end = (undo: boolean) => {
    for (const [variable, value] of before) {
      if (undo) variable.assign(value)
      value.dispose()
    }
    before.clear()
  }
  try {
    return { result: run(), end }
  } catch (error) {
    end(false)
    throw error
  } finally {
    for (const variable of variables) delete (variable as Partial<tf.Variable>).assign
  }
}
