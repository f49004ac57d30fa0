import * as tf from '@tensorflow/tfjs'

/** Σ x², a scalar. TensorFlow adds in a tree, cpu in float64, wasm in float64 where `@alibi/backend` loaded it. */
export const sumOfSquares = (x: tf.Tensor1D): tf.Tensor => tf.sum(tf.square(x))
