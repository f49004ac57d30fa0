// A kernel of attention that ships beside a strategy: all scores of a short sequence at once, for ALiBi's slopes alone.
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { type AttentionKernel, attentionKernels, createModel, evaluate } from '@alibi/transformer'
import { attentionCases } from '@alibi/transformer/conformance'
import * as tf from '@tensorflow/tfjs'

/** One matrix of scores instead of tiles. Everything else is refused, so that the next kernel of the list takes it. */
export const wholeMatrix: AttentionKernel = {
  name: 'whole-matrix',
  takes: ['linear bias', 'trained bias'],
  refuses({ asks, numQueries, numKeys }) {
    if (!asks.includes('linear bias')) return 'is for slopes alone'
    return numQueries * numKeys > 2 ** 16 ? 'is for short sequences' : undefined
  },
  run({ headDim }, { q, k, v, bias }) {
    if (bias.kind !== 'linear') throw new TypeError(`whole-matrix: expected slopes, got a bias of kind ${bias.kind}`)
    const distance = tf.sub(tf.expandDims(bias.queries, 1), tf.expandDims(bias.keys, 0))
    const ahead = tf.mul(tf.relu(tf.cast(tf.neg(distance), 'float32')), -1e30)
    const penalty = tf.mul(tf.reshape(bias.slopes, [-1, 1, 1]), tf.neg(tf.abs(tf.cast(distance, 'float32'))))
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headDim))
    return tf.matMul(tf.softmax(tf.add(tf.add(scores, penalty), ahead)), v)
  },
}

await selectBackend('cpu')
const cases = attentionCases(wholeMatrix)
for (const { run } of cases) await run()
console.log(`${cases.length} cases hold`) // → 9 cases hold

// Its own first, ours for what it refuses.
const model = createModel({ vocabularySize: 64, numLayers: 1, modelDim: 16, numHeads: 2 }, alibi({ numHeads: 2 }))
const text = Int32Array.from({ length: 65 }, (_, i) => i % 7)
const options = { evalLength: 64, attentionKernels: [wholeMatrix, ...attentionKernels] }
const own = await evaluate(model, text, options)
const ours = await evaluate(model, text, { evalLength: 64 })
console.log(Math.abs(own.lossNats - ours.lossNats) < 1e-6) // → true
