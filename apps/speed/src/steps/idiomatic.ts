// Letters: B batch, L tokens, D width, H heads.

import { alibiSlopes } from '@alibi/alibi'
import * as tf from '@tensorflow/tfjs'
import { type Contestant, randomRows, type Size, timeSteps } from './contestant.js'

/**
 * The same model as TensorFlow.js is usually written: plain ops, a materialised bias, tf.train.adam; in one piece, as it is
 * usually written.
 */
export function idiomatic(size: Size): Contestant {
  const { batch: B, length: L, layers, dim: D, heads: H, vocabulary: V } = size
  const weight = (shape: number[], deviation = 0.02) => tf.variable(tf.randomNormal(shape, 0, deviation))
  const zeros = (n: number) => tf.variable(tf.zeros([n]))
  const ones = (n: number) => tf.variable(tf.ones([n]))
  const embedding = weight([V, D], D ** -0.5)
  const blocks = Array.from({ length: layers }, () => ({
    norm1: [ones(D), zeros(D)] as const,
    norm2: [ones(D), zeros(D)] as const,
    qkv: [weight([D, 3 * D]), zeros(3 * D)] as const,
    out: [weight([D, D]), zeros(D)] as const,
    up: [weight([D, 4 * D]), zeros(4 * D)] as const,
    down: [weight([4 * D, D]), zeros(D)] as const,
  }))
  const finalNorm = [ones(D), zeros(D)] as const
  const variables = [embedding, ...finalNorm, ...blocks.flatMap((block) => Object.values(block).flat())]
  const bias = tf.tidy(() => {
    const distance = tf.sub(tf.range(0, L).reshape([1, L]), tf.range(0, L).reshape([L, 1]))
    const linear = tf.mul(tf.tensor(alibiSlopes(H), [H, 1, 1]), distance)
    return tf.keep(tf.add(linear, tf.mul(tf.relu(distance), -1e30)))
  })

  type Affine = readonly [tf.Variable, tf.Variable]
  const linear = (x: tf.Tensor, [w, b]: Affine) => tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b)
  const norm = (x: tf.Tensor, [scale, shift]: Affine) => {
    const { mean, variance } = tf.moments(x, -1, true)
    return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5))), scale), shift)
  }
  const gelu = (x: tf.Tensor) =>
    tf.mul(
      tf.mul(x, 0.5),
      tf.add(1, tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.pow(x, 3)))))),
    )
  const loss = (tokens: tf.Tensor1D, targets: tf.Tensor1D) => {
    let x: tf.Tensor = tf.mul(tf.gather(embedding, tokens), Math.sqrt(D))
    for (const { norm1, norm2, qkv, out, up, down } of blocks) {
      const split = tf.reshape(linear(norm(x, norm1), qkv), [B, L, 3, H, D / H])
      const [q, k, v] = tf.unstack(tf.transpose(split, [2, 0, 3, 1, 4])) as [tf.Tensor, tf.Tensor, tf.Tensor]
      const scores = tf.add(tf.div(tf.matMul(q, k, false, true), Math.sqrt(D / H)), bias)
      const mixed = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), [B * L, D])
      x = tf.add(x, linear(mixed, out))
      x = tf.add(x, linear(gelu(linear(norm(x, norm2), up)), down))
    }
    const logits = tf.matMul(norm(x, finalNorm) as tf.Tensor2D, embedding as tf.Tensor2D, false, true)
    return tf.losses.softmaxCrossEntropy(tf.oneHot(targets, V), logits) as tf.Scalar
  }
  const adam = tf.train.adam(1e-3)
  const step = async () => {
    const rows = randomRows(size)
    const flat = (from: number, to?: number) =>
      tf.tensor1d(
        rows.flatMap((row) => [...row.subarray(from, to)]),
        'int32',
      )
    const tokens = flat(0, -1)
    const targets = flat(1)
    const value = adam.minimize(() => loss(tokens, targets), true, variables)!
    await value.data()
    tf.dispose([tokens, targets, value])
  }
  return {
    name: 'tfjs-node, idiomatic',
    run: (steps) => timeSteps(steps, step),
    dispose: () => {
      tf.dispose([...variables, bias])
      adam.dispose()
    },
  }
}
