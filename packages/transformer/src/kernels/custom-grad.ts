import * as tf from '@tensorflow/tfjs'

/** Tensors by name; those that are undefined are left out. */
type Named = Readonly<Record<string, tf.Tensor | undefined>>
type Inputs = Readonly<Record<string, tf.Tensor>>

/**
 * Computes something with a gradient of its own, like tf.customGrad, and frees what the gradient makes on the way: TensorFlow.js
 * itself keeps that until the whole step ends.
 *
 * @param inputs - what gradients are taken of, by name
 * @param forward - gives the value, and all tensors that the gradient needs, constants too: a tidy may free others before it
 * runs
 * @param gradient - gives the gradient of each input by its name
 */
export function customGrad<Given extends Inputs, Saved extends Named, Value extends tf.Tensor>(
  inputs: Given,
  forward: (inputs: Given) => { readonly value: Value; readonly saved: Saved },
  gradient: (dy: Value, saved: Saved) => { readonly [Name in keyof Given]: tf.Tensor },
): Value {
  const names = Object.keys(inputs)
  const compute = tf.customGrad((...all) => {
    const save = all.pop() as unknown as tf.GradSaveFunc
    const { value, saved } = forward(byName(names, all as tf.Tensor[]) as Given)
    const kept = Object.keys(saved).filter((name) => saved[name])
    save(kept.map((name) => saved[name]!))
    const gradFunc = (dy: tf.Tensor, tensors: tf.Tensor[]) =>
      tf.tidy(() => {
        const gradients = gradient(dy as Value, byName(kept, tensors) as Saved)
        return names.map((name) => gradients[name]!)
      })
    return { value, gradFunc }
  })
  return compute(...Object.values(inputs)) as Value
}

/**
 * Gradients of a function within the gradient of another, which TensorFlow.js has no call for.
 *
 * @param xs - what `f` reads
 * @param dy - of the value of `f`
 * @returns of each of `xs`; undefined where the value does not depend on it
 */
export function innerGradients(
  f: () => tf.Tensor,
  xs: readonly tf.Tensor[],
  dy: tf.Tensor,
): readonly (tf.Tensor | undefined)[] {
  const { state } = tf.engine()
  // It clears the tape that it finds, as if no other gradient were being computed.
  const tape = state.activeTape
  try {
    const { value, grads } = tf.engine().gradients(f, [...xs], dy)
    value.dispose()
    return grads
  } finally {
    state.activeTape = tape
  }
}

const byName = (names: readonly string[], tensors: readonly tf.Tensor[]) =>
  Object.fromEntries(names.map((name, i) => [name, tensors[i]!]))
