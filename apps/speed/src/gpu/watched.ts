// A training step, a pass of evaluation and a token of decoding, dispatch by dispatch.
import { createKvCache, evaluate } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'
import { ours } from '../steps/ours.js'
import type { Start } from '../steps/start.js'
import { type Watched, watch } from './watch.js'

/** What is watched; each after it ran once, as kernels are compiled then. */
interface WatchedModel {
  readonly 'a training step': readonly Watched[]
  readonly 'a pass of evaluation': readonly Watched[]
  readonly 'a token of decoding': readonly Watched[]
}

export async function watchModel(start: Start): Promise<WatchedModel> {
  const trained = await ours(start, 'alibi', () => {})
  try {
    return {
      'a training step': await watch(() => trained.run(1)),
      'a pass of evaluation': await watchEvaluation(start),
      'a token of decoding': (await watchDecoding(start, 2))[1]!,
    }
  } finally {
    trained.dispose()
  }
}

/** @param strategy - of the model. Default alibi */
export async function watchEvaluation(
  { size: { batch, length }, text, model: modelOf }: Start,
  strategy?: string,
): Promise<Watched[]> {
  const model = modelOf(strategy)
  const pass = () => evaluate(model, text, { evalLength: length, batchTokens: batch * length })
  try {
    await pass()
    return await watch(pass)
  } finally {
    model.dispose()
  }
}

/**
 * @param strategy - of the model. Default alibi
 * @returns the dispatches of each new token after a prompt of the start's text
 */
export async function watchDecoding(
  { text, model: modelOf }: Start,
  tokens: number,
  strategy?: string,
): Promise<Watched[][]> {
  const model = modelOf(strategy)
  const cache = createKvCache()
  const read = async (part: Int32Array) => {
    const logits = tf.tidy(() => model.logits(model.forward([part], { cache })))
    await logits.data()
    logits.dispose()
  }
  const all: Watched[][] = []
  try {
    await read(text)
    for (let i = 0; i < tokens; i++) all.push(await watch(() => read(Int32Array.of(i))))
    return all
  } finally {
    cache.dispose()
    model.dispose()
  }
}
