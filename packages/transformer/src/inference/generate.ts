import { checkInteger, checkOptions, fail, seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { ATTENTION_SETTINGS, type AttentionSettings, attentionSettings } from '../model/attention-settings.js'
import { checkCausal, checkModel } from '../model/check-model.js'
import type { Model } from '../model/model.js'
import { checkTokens } from '../model/tokens.js'
import { type Decoder, startDecoder } from './decoder.js'
import { createKvCache } from './kv-cache.js'
import { checkSampling, type SamplingOptions, sampleToken } from './sampling.js'
import { createYielder } from './yield-to-host.js'

export interface GenerateOptions extends SamplingOptions, AttentionSettings {
  /** Tokens to generate. */
  readonly maxNewTokens: number
  /** Default 0. */
  readonly seed?: number
  /** Prompt tokens read in one pass: bounds the memory of a long prefill. Default 1,024: fewer cannot skip keys. */
  readonly prefillChunk?: number
  /**
   * Whether decoding runs as a graph where the backend compiles. Default: for 32 new tokens or more, as making the graph takes
   * as long as some tokens op by op; `true` also for fewer, `false` never.
   */
  readonly compile?: boolean | undefined
  /** Called after each pass over the prompt: tokens read, and tokens to read. */
  readonly onPrefill?: (done: number, total: number) => void
  /** Called with each new token as soon as it is drawn. */
  readonly onToken?: (token: number) => void
  /** Stops between tokens when it is aborted. */
  readonly signal?: AbortSignal
}

// biome-ignore format: a table
const OPTIONS: readonly (keyof GenerateOptions)[] = [
  'maxNewTokens', 'seed', 'prefillChunk', 'compile', 'onPrefill', 'onToken', 'signal', 'temperature', 'topK', 'topP',
  ...ATTENTION_SETTINGS,
]

/**
 * Continues a prompt with a KV cache: a chunked prefill, then one token at a time.
 *
 * @returns the new tokens
 * @throws RangeError for an empty prompt or options outside their range; the signal's reason when aborted
 */
export async function generate(model: Model, prompt: Int32Array, options: GenerateOptions): Promise<Int32Array> {
  checkModel('generate', model)
  checkCausal('generate', model)
  checkTokens('generate', prompt, model.config.vocabularySize)
  checkOptions('generate', options, OPTIONS)
  const { maxNewTokens, seed = 0, prefillChunk = 1024, onPrefill, onToken, signal } = options
  checkInteger('generate', 'maxNewTokens', maxNewTokens, 0)
  checkInteger('generate', 'prefillChunk', prefillChunk, 1)
  checkSampling('generate', options)
  if (!prompt.length) fail('generate', 'a prompt of at least 1 token', 'none')
  const attention = attentionSettings(options)
  const random = seededRandom(seed)
  const cache = createKvCache()
  const yieldToHost = createYielder()
  const produced: number[] = []
  let decoder: Decoder | undefined
  try {
    const before = prompt.length - 1
    for (let from = 0; from < before; from += prefillChunk) {
      await yieldToHost()
      signal?.throwIfAborted()
      const end = Math.min(from + prefillChunk, before)
      model.forward([prompt.subarray(from, end)], { ...attention, cache }).dispose()
      onPrefill?.(end, before)
    }
    decoder = startDecoder(model, cache, options)
    const opByOp = () => {
      const logits = tf.tidy(() => model.logits(model.forward([Int32Array.of(last)], { ...attention, cache })))
      return logits.data<'float32'>().finally(() => logits.dispose())
    }
    let last = prompt.at(-1)!
    while (produced.length < maxNewTokens) {
      await yieldToHost()
      signal?.throwIfAborted()
      last = sampleToken(await (decoder ? decoder.next(last) : opByOp()), options, random)
      produced.push(last)
      onToken?.(last)
    }
  } finally {
    decoder?.release()
    cache.dispose()
  }
  return Int32Array.from(produced)
}
