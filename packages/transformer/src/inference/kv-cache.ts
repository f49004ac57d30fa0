// Letters: B batch, H heads, P cached tokens.
import * as tf from '@tensorflow/tfjs'

/** What a layer keeps of tokens. */
export interface CachedTokens {
  /** [B, H, P, headDim] */
  readonly keys: tf.Tensor4D
  /** [B, H, P, headDim] */
  readonly values: tf.Tensor4D
  /** Logarithms of gates; [B, H, P]. */
  readonly gates?: tf.Tensor3D | undefined
}

/** Keys and values of the tokens so far, so that decoding computes only what is new. */
export interface KvCache {
  /** Tokens in the cache. */
  readonly pastLength: number
  /** Appends what a layer keeps of new tokens, and returns all of it. */
  extend(layer: number, fresh: CachedTokens): CachedTokens
  /** What a layer has. */
  tokensOf(layer: number): CachedTokens
  /** Forgets all but the last `length` tokens. */
  keepLast(length: number): void
  /** Frees its tensors. */
  dispose(): void
}

/** An empty cache, for one batch of sequences; {@link KvCache.dispose} frees what it comes to hold. */
export function createKvCache(): KvCache {
  const layers: CachedTokens[] = []
  const append = <T extends tf.Tensor>(past: T | undefined, fresh: T): T => {
    const all = tf.keep(past ? (tf.concat([past, fresh], 2) as T) : tf.clone(fresh))
    past?.dispose()
    return all
  }
  return {
    get pastLength() {
      return layers[0]?.keys.shape[2] ?? 0
    },
    extend(layer, { keys, values, gates }) {
      const past = layers[layer]
      const all = {
        keys: append(past?.keys, keys),
        values: append(past?.values, values),
        gates: gates && append(past?.gates, gates),
      }
      layers[layer] = all
      return all
    },
    tokensOf: (layer) => layers[layer]!,
    keepLast(length) {
      const cut = <T extends tf.Tensor>(past: T): T => {
        const [B, H, P, ...headDim] = past.shape as [number, number, number, ...number[]]
        const from = [0, 0, P - length, ...headDim.map(() => 0)]
        const kept = tf.tidy(() => tf.keep(tf.slice(past, from, [B, H, length, ...headDim]) as T))
        past.dispose()
        return kept
      }
      if (length === 0) this.dispose()
      else if (length < this.pastLength)
        for (const [layer, { keys, values, gates }] of layers.entries())
          layers[layer] = { keys: cut(keys), values: cut(values), gates: gates && cut(gates) }
    },
    dispose() {
      for (const { keys, values, gates } of layers.splice(0)) tf.dispose([keys, values, ...(gates ? [gates] : [])])
    },
  }
}
