// Letters: B batch, L tokens, N = B·L, D modelDim, V vocabularySize, K all tokens with the cache's.
import { type PositionStrategy, positionRange } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { type ModelConfig, type ResolvedModelConfig, resolveConfig } from '../config.js'
import type { KvCache } from '../inference/kv-cache.js'
import type { AttentionStorage } from '../kernels/attention/tile-attention.js'
import { block } from './block.js'
import { checkForward } from './check-forward.js'
import { drop, normalize } from './layers.js'
import { allocateParameters, parameterSpecs } from './parameters.js'
import { encodePositions } from './position.js'
import { checkRows, flatten } from './tokens.js'
import { vocabularyOf } from './vocabulary/choose.js'
import type { Vocabulary } from './vocabulary/vocabulary.js'

/** How a pass reads its tokens. */
export interface ForwardOptions {
  /** Earlier tokens; extended by this pass. */
  readonly cache?: KvCache
  /** Left padding of each row, in tokens, counted from the start of the cache; [B]. */
  readonly padding?: Int32Array
  /**
   * Positions of all K tokens, the cache's first; [K]. Default 0 to K − 1. They say how far apart tokens are, not which
   * may attend to which: a row of two documents whose positions start again at 0 still reads the first one in the second.
   */
  readonly positions?: Int32Array
  /** Limits each query to the last so many keys, its own included, ≥ 1. Default all. */
  readonly attentionWindow?: number | undefined
  /**
   * Share of attention weight, ≥ 0 and < 1, that a long pass without gradients may leave out of each row. Default 0: keys
   * are left out only where their weight is zero in fp32.
   */
  readonly skipTolerance?: number | undefined
  /**
   * How attention keeps queries, keys and values, also for the backward pass: 'float16' is half the memory and half the
   * reading, for webgpu. They are rounded to 11 bits, and NaN beyond 65,504; every sum stays float32. Default 'float32'.
   */
  readonly attentionStorage?: AttentionStorage | undefined
  /** Turns dropout on; int32 [1]: each seed drops the same activations. */
  readonly dropoutSeed?: tf.Tensor1D
}

/** A decoder-only language model whose position encoding is a plugin. */
export interface Model {
  /** Its sizes and choices, with defaults filled in. */
  readonly config: ResolvedModelConfig
  /** How it knows positions. */
  readonly strategy: PositionStrategy
  /** Weights by name, the strategy’s among them. */
  readonly parameters: ReadonlyMap<string, tf.Variable>
  /** Trained numbers in all. */
  readonly numParameters: number
  /**
   * @param rows - token ids; B rows of L
   * @returns hidden states; shape [N, D]; the caller disposes it
   */
  forward(rows: readonly Int32Array[], options?: ForwardOptions): tf.Tensor2D
  /**
   * The same for tokens that are on the device.
   *
   * @param tokens - int32 [N], row after row; in the vocabulary, which nothing checks here
   */
  forwardTokens(tokens: tf.Tensor1D, batchSize: number, options?: ForwardOptions): tf.Tensor2D
  /** Its embedding and LM head. */
  readonly vocabulary: Vocabulary
  /** The LM head: [N, D] → [N, V]; log-probabilities where the softmax is adaptive. */
  logits(hidden: tf.Tensor2D): tf.Tensor2D
  /** Frees the parameters. */
  dispose(): void
}

/**
 * @param strategy - where its hooks enter is all that differs between models (see `position.ts`)
 * @param seed - of the starting weights. Default 0
 * @throws RangeError or TypeError, one line, for a config or strategy that cannot be built
 */
export function createModel(config: ModelConfig, strategy: PositionStrategy, seed = 0): Model {
  const resolved = resolveConfig(config)
  return assembleModel(resolved, strategy, allocateParameters(parameterSpecs(strategy, resolved), seed))
}

/** A model of arrays that are there already: those of `parameterSpecs`. */
export function assembleModel(
  resolved: ResolvedModelConfig,
  strategy: PositionStrategy,
  parameters: ReadonlyMap<string, tf.Variable>,
): Model {
  const { modelDim: D, numHeads, numLayers, vocabularySize } = resolved
  const vocabulary = vocabularyOf(resolved, parameters)
  const rates = [resolved.dropout, resolved.attentionDropout, resolved.activationDropout]

  const forwardTokens: Model['forwardTokens'] = (ids, B, options = {}) =>
    tf.tidy(() => {
      const { cache, padding, positions, attentionWindow, skipTolerance, attentionStorage, dropoutSeed } = options
      const L = ids.size / B
      const K = (cache?.pastLength ?? 0) + L
      checkForward(options, B, K)
      const encoding = encodePositions(strategy, parameters, D / numHeads, {
        keys: positions ?? positionRange(0, K),
        numQueries: L,
        padding,
      })
      const context = {
        config: resolved,
        parameters,
        positions: encoding,
        batchSize: B,
        cache,
        padding: padding && paddingMask(padding, K),
        attentionWindow,
        skipTolerance,
        attentionStorage,
        nextSeed: dropoutSeed && rates.some(Boolean) ? seedSequence(dropoutSeed) : undefined,
      }
      const tokens = vocabulary.embed(ids)
      const scaled = resolved.embeddingScale ? tf.mul(tokens, Math.sqrt(D)) : tokens
      const embedded = encoding.embed(tf.reshape(scaled, [B, L, D]) as tf.Tensor3D)
      const entering = tf.reshape(embedded, [B * L, D]) as tf.Tensor2D
      const start = resolved.embeddingNorm ? normalize(entering, 'embedding_norm', context) : entering
      let x = drop(start, resolved.dropout, context)
      for (let layer = 0; layer < numLayers; layer++) x = tf.tidy(() => block(x, layer, context))
      return resolved.finalNorm ? normalize(x, 'final_norm', context) : x
    })

  return {
    config: resolved,
    strategy,
    parameters,
    numParameters: [...parameters.values()].reduce((sum, { size }) => sum + size, 0),
    forwardTokens,
    forward: (rows, options) =>
      tf.tidy(() => {
        checkRows('forward', rows, vocabularySize)
        return forwardTokens(tf.tensor1d(flatten(rows), 'int32'), rows.length, options)
      }),
    vocabulary,
    logits: vocabulary.logits,
    dispose: () => tf.dispose([...parameters.values()]),
  }
}

/** A new seed for each dropout. Seeds are 4,096 apart; attention's tiles use those in between. */
function seedSequence(seed: tf.Tensor1D): () => tf.Tensor1D {
  let uses = 0
  return () => tf.concat1d([seed, tf.tensor1d([4096 * ++uses], 'int32')])
}

const paddingMask = (padding: Int32Array, K: number) =>
  tf.tensor(
    Array.from(padding).flatMap((pad) => Array.from({ length: K }, (_, key) => (key < pad ? 1 : 0))),
    [padding.length, 1, 1, K],
    'float32',
  )
