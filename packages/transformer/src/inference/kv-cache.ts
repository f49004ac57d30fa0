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
  /** Forgets all but the first `length` tokens. */
  keepFirst(length: number): void
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
  const cut = <T extends tf.Tensor>(past: T, from: number, length: number): T => {
    const [B, H, , ...headDim] = past.shape as [number, number, number, ...number[]]
    const start = [0, 0, from, ...headDim.map(() => 0)]
    const kept = tf.tidy(() => tf.keep(tf.slice(past, start, [B, H, length, ...headDim]) as T))
    past.dispose()
    return kept
  }
  const pastLength = () => layers[0]?.keys.shape[2] ?? 0
  const dispose = () => {
    for (const { keys, values, gates } of layers.splice(0)) tf.dispose([keys, values, ...(gates ? [gates] : [])])
  }
  const keep = (from: number, length: number) => {
    if (length === 0) dispose()
    else if (length < pastLength())
      for (const [layer, { keys, values, gates }] of layers.entries())
        layers[layer] = {
          keys: cut(keys, from, length),
          values: cut(values, from, length),
          gates: gates && cut(gates, from, length),
        }
  }
  return {
    get pastLength() {
      return pastLength()
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
    keepFirst: (length) => keep(0, length),
    keepLast: (length) => keep(pastLength() - length, length),
    dispose,
  }
}
