// Letters: B prompts, V vocabularySize.
import { checkInteger, checkOptions, fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { ATTENTION_SETTINGS, type AttentionSettings, attentionSettings } from '../model/attention-settings.js'
import { checkCausal, checkModel } from '../model/check-model.js'
import type { Model } from '../model/model.js'
import { checkTokens } from '../model/tokens.js'
import { type Decoder, startDecoder } from './decoder.js'
import { type GrowthOptions, growingText } from './growing-text.js'
import { createKvCache, type KvCache } from './kv-cache.js'
import { leftPadded } from './left-padded.js'
import { checkSampling } from './sampling.js'
import type { TextCache } from './text-cache.js'
import { createYielder } from './yield-to-host.js'

export interface GenerateOptions extends GrowthOptions, AttentionSettings {
  /** Prompt tokens read in one pass: bounds the memory of a long prefill. Default 1,024: fewer cannot skip keys. */
  readonly prefillChunk?: number
  /**
   * Whether decoding runs as a graph where the backend compiles. Default: for 32 new tokens or more, as making the graph takes
   * as long as some tokens op by op; `true` also for fewer, `false` never.
   */
  readonly compile?: boolean | undefined
  /** Told in one line why decoding runs op by op, where a graph would pay and the backend compiles: once for each model and reason. */
  readonly onFallback?: (reason: string) => void
  /**
   * What was read before, of which the prompt may go on: the tokens that both begin with are not read again. It has the prompt and
   * the new tokens afterwards, also where the signal stopped it. Of one prompt alone. Default none.
   */
  readonly textCache?: TextCache | undefined
  /** Called after each pass over the prompt: tokens read, and tokens to read. */
  readonly onPrefill?: (done: number, total: number) => void
  /** Stops between tokens when it is aborted. */
  readonly signal?: AbortSignal
}

// biome-ignore format: a table
const OPTIONS: readonly (keyof GenerateOptions)[] = [
  'maxNewTokens', 'seed', 'repetitionPenalty', 'endTokens', 'prefillChunk', 'compile', 'textCache', 'onFallback', 'onPrefill',
  'onToken', 'signal', 'temperature', 'topK', 'topP', ...ATTENTION_SETTINGS,
]

/**
 * Continues a prompt with a KV cache: a chunked prefill, then one token at a time.
 *
 * @param prompt - at least one token
 * @returns the new tokens, the one that ended the text included
 * @throws RangeError or TypeError, one line, for an empty prompt or options outside their range; the signal's reason when aborted
 */
export async function generate(model: Model, prompt: Int32Array, options: GenerateOptions): Promise<Int32Array> {
  return (await continued('generate', model, [prompt], options))[0]!
}

/**
 * Continues several prompts together, in one pass a token. Shorter prompts are padded on the left, which no token sees: each
 * text is what {@link generate} gives for its prompt alone, within the rounding of float32.
 *
 * @param prompts - B of them, of any lengths ≥ 1
 * @returns the new tokens of each, the one that ended the text included
 * @throws RangeError or TypeError, one line, for no prompts, an empty one or options outside their range; the signal's reason
 *   when aborted
 */
export async function generateBatch(
  model: Model,
  prompts: readonly Int32Array[],
  options: GenerateOptions,
): Promise<Int32Array[]> {
  return continued('generateBatch', model, prompts, options)
}

async function continued(
  where: string,
  model: Model,
  prompts: readonly Int32Array[],
  options: GenerateOptions,
): Promise<Int32Array[]> {
  checkGenerate(where, model, prompts, options)
  const { signal, textCache } = options
  const texts = prompts.map((prompt, row) => growingText(prompt, row, options))
  const rows = leftPadded(prompts)
  const cache = textCache?.take(prompts[0]!) ?? createKvCache()
  const yieldToHost = createYielder()
  let decoder: Decoder | undefined
  let isWhole = true
  try {
    await prefill(model, rows, cache, options)
    decoder = startDecoder(model, cache, { ...options, batchSize: prompts.length, padding: rows.padding })
    const next = decoder?.next ?? opByOp(model, cache, rows.padding, options)
    const V = model.config.vocabularySize
    while (texts.some(({ isEnded }) => !isEnded)) {
      await yieldToHost()
      signal?.throwIfAborted()
      // Texts that ended stay in the batch, so that its shape stays the same; nothing is drawn for them.
      const logits = await next(Int32Array.from(texts, ({ last }) => last))
      for (const [row, text] of texts.entries()) if (!text.isEnded) text.grow(logits.subarray(row * V, (row + 1) * V))
    }
  } catch (error) {
    // A pass that failed may be in the cache of some layers alone. The signal stops between passes.
    isWhole = signal?.aborted === true && error === signal.reason
    throw error
  } finally {
    decoder?.release()
    if (textCache && isWhole) {
      decoder?.extend(cache)
      textCache.keep(Int32Array.from([...prompts[0]!, ...texts[0]!.drawn]), cache)
    } else cache.dispose()
  }
  return texts.map(({ drawn }) => Int32Array.from(drawn))
}

/** Reads all columns of prompts but the last into the cache, those that it has already left out. */
async function prefill(
  model: Model,
  { rows, padding }: ReturnType<typeof leftPadded>,
  cache: KvCache,
  options: GenerateOptions,
): Promise<void> {
  const { prefillChunk = 1024, onPrefill, signal } = options
  const yieldToHost = createYielder()
  const before = rows[0]!.length - 1
  const first = cache.pastLength
  for (let from = first; from < before; from += prefillChunk) {
    await yieldToHost()
    signal?.throwIfAborted()
    const end = Math.min(from + prefillChunk, before)
    const pass = { cache, padding: padding?.map((pad) => Math.min(pad, end)) }
    model
      .forward(
        rows.map((row) => row.subarray(from, end)),
        { ...attentionSettings(options), ...pass },
      )
      .dispose()
    onPrefill?.(end - first, before - first)
  }
}

/** Decodes with a cache that grows: the last tokens of B texts in, their logits [B·V] out. */
function opByOp(model: Model, cache: KvCache, padding: Int32Array | undefined, options: AttentionSettings) {
  const pass = { ...attentionSettings(options), cache, padding }
  return (last: Int32Array): Promise<Float32Array> => {
    const logits = tf.tidy(() =>
      model.logits(
        model.forward(
          Array.from(last, (token) => Int32Array.of(token)),
          pass,
        ),
      ),
    )
    return logits.data<'float32'>().finally(() => logits.dispose())
  }
}

function checkGenerate(where: string, model: Model, prompts: readonly Int32Array[], options: GenerateOptions): void {
  checkModel(where, model)
  checkCausal(where, model)
  const { vocabularySize } = model.config
  if (!Array.isArray(prompts) || !prompts.length) fail(where, 'at least one prompt', prompts, TypeError)
  for (const prompt of prompts) {
    checkTokens(where, prompt, vocabularySize)
    if (!prompt.length) fail(where, 'a prompt of at least 1 token', 'none')
  }
  checkOptions(where, options, OPTIONS)
  const { maxNewTokens, prefillChunk = 1024, repetitionPenalty = 1, endTokens = [], textCache } = options
  checkInteger(where, 'maxNewTokens', maxNewTokens, 0)
  checkInteger(where, 'prefillChunk', prefillChunk, 1)
  checkSampling(where, options)
  if (!(repetitionPenalty > 0 && repetitionPenalty < Infinity))
    fail(where, 'a finite repetitionPenalty > 0', repetitionPenalty)
  if (textCache && prompts.length > 1) fail(where, 'one prompt with textCache', prompts.length)
  if (textCache && textCache.model !== model) fail(where, 'a textCache of the same model', 'that of another')
  if (!Array.isArray(endTokens)) fail(where, 'endTokens as an array', endTokens, TypeError)
  for (const token of endTokens)
    if (!(Number.isInteger(token) && token >= 0 && token < vocabularySize))
      fail(where, `endTokens from 0 to ${vocabularySize - 1}`, token)
}
