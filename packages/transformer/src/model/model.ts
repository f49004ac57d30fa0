// Letters: B batch, L tokens, N = B·L, D modelDim, V vocabularySize, K all tokens with the cache's.
import type { PositionStrategy } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { type ModelConfig, type ResolvedModelConfig, resolveConfig } from '../config.js'
import { currentKernels } from '../kernels/kernels.js'
import { layerAttention } from './attend.js'
import { block } from './block.js'
import { checkForward } from './check-forward.js'
import type { ForwardOptions } from './forward-options.js'
import { disposeKeptGraphs } from './kept-graphs.js'
import { drop, normalize } from './layers.js'
import { allocateParameters, parameterSpecs } from './parameters.js'
import { documentsOnDevice, firstQueryOnDevice, movingPlaces, paddingOnDevice, placesOf, slotPlaces } from './places.js'
import { encodePositions } from './position.js'
import { checkRows, flatten } from './tokens.js'
import { vocabularyOf } from './vocabulary/choose.js'
import type { Vocabulary } from './vocabulary/vocabulary.js'

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
  /** Frees the parameters, and the graphs of its passes. */
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
  const { modelDim: D, numLayers, vocabularySize } = resolved
  const vocabulary = vocabularyOf(resolved, parameters)
  const sinks = [strategy, ...(strategy.layers ?? [])].some(({ visibility }) => visibility?.sinks)
  const rates = [resolved.dropout, resolved.attentionDropout, resolved.activationDropout]

  const forwardTokens: Model['forwardTokens'] = (ids, B, options = {}) =>
    tf.tidy(() => {
      const { cache, slots, dropoutSeed } = options
      const L = ids.size / B
      const K = slots ? slots.capacity : (cache?.pastLength ?? 0) + L
      const kernels = currentKernels()
      const places = movingPlaces(options, (given) => {
        checkForward(given, B, K, resolved)
        return slots ? slotPlaces(slots, sinks, L) : placesOf(given, sinks, B, L, K)
      })
      const trains = tf.engine().state.gradientDepth > 0
      const pass = { batchSize: B, places, trains, drops: dropoutSeed !== undefined }
      const layers = layerAttention(resolved, strategy, pass, options, kernels)
      const context = {
        config: resolved,
        parameters,
        kernels,
        layers,
        positions: encodePositions(strategy, parameters, resolved, places, { layers, kernels }),
        batchSize: B,
        cache,
        slots,
        firstQuery: slots && firstQueryOnDevice(places),
        padding: paddingOnDevice(places),
        documents: documentsOnDevice(places),
        nextSeed: dropoutSeed && rates.some(Boolean) ? seedSequence(dropoutSeed) : undefined,
      }
      const tokens = vocabulary.embed(ids)
      const scaled = resolved.embeddingScale ? tf.mul(tokens, Math.sqrt(D)) : tokens
      const embedded = context.positions.embed(tf.reshape(scaled, [B, L, D]) as tf.Tensor3D)
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
    dispose() {
      disposeKeptGraphs(parameters)
      tf.dispose([...parameters.values()])
    },
  }
}

/** A new seed for each dropout. Seeds are 4,096 apart; attention's tiles use those in between. */
function seedSequence(seed: tf.Tensor1D): () => tf.Tensor1D {
  let uses = 0
  return () => tf.concat1d([seed, tf.tensor1d([4096 * ++uses], 'int32')])
}
