import * as tf from '@tensorflow/tfjs'
import type { ResolvedModelConfig } from '../../config.js'
import { currentKernels } from '../../kernels/kernels.js'
import { gatherRows } from '../../kernels/plain/gather-rows.js'
import type { Vocabulary } from './vocabulary.js'

/** One table of all tokens, and a head that has a logit of each. */
export function plainVocabulary(config: ResolvedModelConfig, parameters: ReadonlyMap<string, tf.Variable>): Vocabulary {
  const p = (name: string) => parameters.get(name) as tf.Tensor2D
  const { tiedHead, logitCap: cap } = config
  const uncapped = (hidden: tf.Tensor2D): tf.Tensor2D =>
    tiedHead ? tf.matMul(hidden, p('embedding.weight'), false, true) : tf.matMul(hidden, p('head.weight'))
  const logits = cap === null ? uncapped : (hidden: tf.Tensor2D) => capped(uncapped(hidden), cap)
  return {
    embed: (ids) => gatherRows(p('embedding.weight'), ids),
    logits,
    losses: (hidden, targets) => currentKernels().crossEntropy(logits(hidden), targets),
    tailPlaces: () => [],
    headSize: config.vocabularySize,
  }
}

const capped = (x: tf.Tensor2D, cap: number): tf.Tensor2D => tf.mul(tf.tanh(tf.div(x, cap)), cap)
