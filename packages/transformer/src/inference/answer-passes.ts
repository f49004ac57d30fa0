// Letters: B batch, L tokens, N tokens of all answers, R places of targets in a tail.
import * as tf from '@tensorflow/tfjs'
import { currentCompiler, opByOp, type StepCompiler } from '../compiler.js'
import { attentionNames } from '../model/attention-names.js'
import { keptGraphs } from '../model/kept-graphs.js'
import type { Model } from '../model/model.js'
import type { EvaluateOptions } from './evaluate-options.js'
import { fallbacksOf } from './fallbacks.js'
import { lossesOf, partsOf } from './losses.js'
import { skipsFaster } from './scorer.js'

/** Passes of one shape from which on a graph pays, which takes as long to make as some of them op by op. */
const WORTH = 3
/** Shapes whose graphs are kept at a time. */
const SHAPES = 4

/**
 * Losses of answers [N], and the model's first choices in their places [N]: as a graph from the third pass of a shape on, where
 * the backend can.
 *
 * @param inputs - tokens int32 [B, L], the answers' places among the B·L states, their tokens [N], and a list [R] for each tail
 */
export function scorePlaces(
  model: Model,
  inputs: readonly tf.Tensor[],
  { compile, onFallback }: Pick<EvaluateOptions, 'compile' | 'onFallback'>,
): tf.Tensor[] {
  const compiler = currentCompiler()
  const [B, L] = inputs[0]!.shape as [number, number]
  const names = () => attentionNames(model, { batchSize: B, length: L })
  if (!compiler || compile === false || skipsFaster(L, names)) return opByOp(passOf(model, false), [])(...inputs)
  const passes = keptGraphs(model.parameters, ['answers', tf.getBackend()], () => createPasses(model, compiler))
  try {
    return passes.run(inputs, compile === true)
  } finally {
    passes.tell(onFallback)
  }
}

function createPasses(model: Model, compile: StepCompiler) {
  const counts = new Map<string, number>()
  const { onFallback, tell } = fallbacksOf(model)
  const options = { xla: false, maxShapes: SHAPES, onFallback }
  const step = compile(passOf(model, true), [...model.parameters.values()], options)
  return {
    run(inputs: readonly tf.Tensor[], always: boolean): tf.Tensor[] {
      const shape = inputs.map((input) => `[${input.shape}]`).join()
      const count = 1 + (counts.get(shape) ?? 0)
      counts.set(shape, count)
      return always || count >= WORTH ? step(...inputs) : opByOp(passOf(model, false), [])(...inputs)
    },
    tell,
    dispose: step.dispose,
  }
}

const passOf =
  (model: Model, compiled: boolean) =>
  (...inputs: tf.Tensor[]): tf.Tensor[] => {
    const [tokens, places, targets, ...tails] = inputs as [tf.Tensor2D, tf.Tensor1D, ...tf.Tensor1D[]]
    const states = model.forwardTokens(tf.reshape(tokens, [-1]), tokens.shape[0], { compiled })
    const hidden = tf.gather(states, places) as tf.Tensor2D
    return [lossesOf(model, hidden, targets!, tails), firstChoices(model, hidden)]
  }

/** The most likely token after each of some hidden states, [N, D] → [N], in parts where the vocabulary is large. */
function firstChoices(model: Model, hidden: tf.Tensor2D): tf.Tensor1D {
  const parts = partsOf(model, hidden.shape[0]).map(([from, end]) =>
    tf.tidy(() => {
      const part = tf.slice(hidden, [from, 0], [end - from, -1]) as tf.Tensor2D
      return tf.argMax(model.logits(part), 1) as tf.Tensor1D
    }),
  )
  return parts.length === 1 ? parts[0]! : tf.concat1d(parts)
}
