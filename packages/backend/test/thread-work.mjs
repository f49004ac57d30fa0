// What threads do together in tests: the test itself, which has the sources, and workers, which have what is built of them.
import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { alibi } from '@alibi/alibi'
import { compile, joinThreads, ReplicaLostError, selectBackend } from '@alibi/backend'
import { createModel, createTrainer } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'

/** @typedef {import('@alibi/backend').ThreadReplicas} ThreadReplicas */

/** Numbers of 2⁻²⁰ to 2²⁰: their sum depends on its order. */
const numbers = Float64Array.from({ length: 300_100 }, (_, i) => Math.sin(i) * 2 ** ((i % 41) - 20))
/** What a thread adds in a round. 300,000 are three blocks of 64-bit numbers, and two of 32-bit ones. */
export const partOf = (/** @type {number} */ index, /** @type {number} */ round) =>
  numbers.subarray(7 * index + round, 7 * index + round + 300_000)

const pause = (/** @type {number} */ ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** A sum as the trainer has it. */
const tensorSum = (/** @type {ThreadReplicas} */ replicas) =>
  compile((x) => [/** @type {any} */ (tf.backend()).sumReplicas(x)], [], { replicas })

export const work = {
  /** Hashes of sums, many in a row. */
  sums(/** @type {ThreadReplicas} */ replicas, /** @type {number} */ rounds) {
    const [double, single] = [createHash('sha256'), createHash('sha256')]
    const step = tensorSum(replicas)
    for (let round = 0; round < rounds; round++) {
      const part = partOf(replicas.index, round)
      double.update(replicas.sum(part))
      const sums = tf.tidy(() => step(tf.tensor1d(Float32Array.from(part))))
      for (const sum of sums) single.update(sum.dataSync())
      tf.dispose(sums)
    }
    return { double: double.digest('hex'), single: single.digest('hex') }
  },

  /** What is gathered, where each thread has a number of its own, and what is shared. */
  exact(/** @type {ThreadReplicas} */ { index, sum, share }, /** @type {Float64Array} */ values) {
    const own = values.map((value, i) => (i % 2 === index ? value : -0))
    return {
      gathered: sum(own),
      shared: share(index === 0 ? Float32Array.from(values) : new Float32Array(values.length)),
    }
  },

  /** A sum; then one thread fails, at once or a little later. The third comes last. */
  failing(/** @type {ThreadReplicas} */ replicas, /** @type {number} */ ms) {
    const [sum] = replicas.sum(Float64Array.of(1))
    pause(ms * replicas.index)
    if (replicas.index === 1) replicas.fail('out of luck: Pech')
    try {
      replicas.sum(Float64Array.of(1))
    } catch (error) {
      if (error instanceof ReplicaLostError) return { sum, replica: error.replica, message: error.message }
      throw error
    }
    return { sum }
  },

  /** The losses of three steps of a small model, and its weights after them. */
  async training(/** @type {ThreadReplicas | undefined} */ replicas) {
    const model = createModel({ vocabularySize: 11, numLayers: 1, modelDim: 8, numHeads: 2 }, alibi({ numHeads: 2 }), 1)
    const trainer = createTrainer(
      model,
      { kind: 'sgd-nesterov', learningRate: 0.1 },
      { replicas, compile: (step, variables) => compile(step, variables, { replicas }) },
    )
    const rows = Array.from({ length: 4 }, (_, row) => Int32Array.from({ length: 9 }, (_, i) => (i * (row + 2)) % 11))
    const losses = []
    for (let step = 0; step < 3; step++) losses.push(await trainer.trainStep(rows))
    const weights = [...model.parameters.values()].flatMap((variable) => [...variable.dataSync()])
    trainer.dispose()
    model.dispose()
    return { losses, weights }
  },
}

await selectBackend('wasm')
parentPort?.postMessage('ready')
parentPort?.on('message', async ({ room, index, name, argument }) => {
  parentPort?.postMessage(await work[/** @type {keyof typeof work} */ (name)](joinThreads({ room, index }), argument))
})
