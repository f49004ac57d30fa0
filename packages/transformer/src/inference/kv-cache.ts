// Letters: B batch, H heads, P cached tokens.
import * as tf from '@tensorflow/tfjs'

/** Keys and values of the tokens so far, so that decoding computes only what is new. */
export interface KvCache {
  /** Tokens in the cache. */
  readonly pastLength: number
  /** Appends a layer's new keys and values and returns all of them; [B, H, P + new, headDim]. */
  extend(layer: number, keys: tf.Tensor4D, values: tf.Tensor4D): { keys: tf.Tensor4D; values: tf.Tensor4D }
  /** Forgets all but the last `length` tokens. */
  keepLast(length: number): void
  /** Frees its tensors. */
  dispose(): void
}

/** An empty cache, for one batch of sequences; {@link KvCache.dispose} frees what it comes to hold. */
export function createKvCache(): KvCache {
  const layers: { keys: tf.Tensor4D; values: tf.Tensor4D }[] = []
  const append = (past: tf.Tensor4D | undefined, fresh: tf.Tensor4D) => {
    const all = tf.keep(past ? tf.concat([past, fresh], 2) : tf.clone(fresh))
    past?.dispose()
    return all
  }
  return {
    get pastLength() {
      return layers[0]?.keys.shape[2] ?? 0
    },
    extend(layer, keys, values) {
      const past = layers[layer]
      const all = { keys: append(past?.keys, keys), values: append(past?.values, values) }
      layers[layer] = all
      return all
    },
    keepLast(length) {
      const cut = (past: tf.Tensor4D) => {
        const [B, H, P, headDim] = past.shape
        const kept = tf.tidy(() => tf.keep(tf.slice(past, [0, 0, P - length, 0], [B, H, length, headDim])))
        past.dispose()
        return kept
      }
      if (length === 0) this.dispose()
      else if (length < this.pastLength)
        for (const layer of layers.keys())
          layers[layer] = { keys: cut(layers[layer]!.keys), values: cut(layers[layer]!.values) }
    },
    dispose() {
      for (const { keys, values } of layers.splice(0)) tf.dispose([keys, values])
    },
  }
}
