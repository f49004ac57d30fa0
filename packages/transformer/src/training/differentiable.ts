import type { ParameterValues, ReferenceTensor } from '@alibi/core'
import type { Differentiable } from '@alibi/core/conformance'
import * as tf from '@tensorflow/tfjs'
import { tfOps } from '../model/tf-ops.js'

/** Lets the conformance suite see whether TensorFlow.js, on the backend that is selected, trains every parameter. */
export const tfDifferentiable: Differentiable<tf.Tensor> = {
  ops: tfOps,
  gradients: (values, parameters) =>
    tf.tidy(() => {
      const names = Object.keys(parameters)
      const sumOfSquares = (...all: tf.Tensor[]) => {
        const outputs = values(Object.fromEntries(names.map((name, i) => [name, all[i]!])))
        return tf.addN(outputs.map((output) => tf.sum(tf.square(output))))
      }
      const inputs = names.map((name) => upload(parameters, name))
      const gradients = tf.grads(sumOfSquares as Parameters<typeof tf.grads>[0])(inputs)
      return Object.fromEntries(names.map((name, i) => [name, gradients[i]!.dataSync() as Float32Array]))
    }),
}

function upload(parameters: ParameterValues<ReferenceTensor>, name: string): tf.Tensor {
  const { data, shape } = parameters[name]!
  return tf.tensor(Float32Array.from(data), [...shape])
}
