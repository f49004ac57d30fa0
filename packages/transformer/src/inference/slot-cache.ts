// Letters: B batch, G heads of keys and values, H heads, C slots, T new tokens, P tokens in the cache.
import * as tf from '@tensorflow/tfjs'
import type { ResolvedModelConfig } from '../config.js'
import { tensorflowOp } from '../kernels/tensorflow/tensorflow-op.js'
import type { CachedTokens, KvCache } from './kv-cache.js'

/**
 * A cache of B sequences with room for C tokens each: the keys and values of token i are in slot i. They are variables that a
 * graph writes in place, so that one graph serves every number of tokens up to C. On the tensorflow backend only.
 */
export interface SlotCache {
  /** B */
  readonly batchSize: number
  /** C */
  readonly capacity: number
  /** P */
  readonly pastLength: number
  /** Left padding of each sequence, in tokens; [B]. */
  readonly padding: Int32Array | undefined
  /** What a graph that uses the cache reads and assigns. */
  readonly variables: readonly tf.Variable[]
  /**
   * Writes what a layer keeps of T new tokens.
   *
   * @param first - P; int32 [1]
   * @returns all C slots: keys and values [B, G, C, headDim], gates [B, H, C]; those after the new tokens have no meaning
   */
  extend(layer: number, fresh: CachedTokens, first: tf.Tensor1D): CachedTokens
  /** After a pass over that many tokens. */
  advance(tokens: number): void
  /** What a layer has of the P tokens; call within tf.tidy, when no graph holds newer values of the variables. */
  tokensOf(layer: number): CachedTokens
  /** Takes over the tokens of another cache. */
  fill(from: Pick<KvCache, 'pastLength' | 'tokensOf'>, padding: Int32Array | undefined): void
  /** Frees the variables. */
  dispose(): void
}

/** The variables of one layer; a row a sequence, head and slot. */
interface LayerSlots {
  /** [B·G·C, headDim] */
  readonly keys: tf.Variable
  readonly values: tf.Variable
  /** [B·H·C] */
  readonly gates?: tf.Variable | undefined
}

/** @param gated - whether each layer's strategy has a gate */
export function createSlotCache(
  config: ResolvedModelConfig,
  gated: readonly boolean[],
  { batchSize: B, capacity }: Pick<SlotCache, 'batchSize' | 'capacity'>,
): SlotCache {
  const { numKeyValueHeads: G, numHeads: H, headDim } = config
  const zeros = (shape: number[]) => tf.tidy(() => tf.variable(tf.zeros(shape), false))
  const layers = gated.map(
    (isGated): LayerSlots => ({
      keys: zeros([B * G * capacity, headDim]),
      values: zeros([B * G * capacity, headDim]),
      gates: isGated ? zeros([B * H * capacity]) : undefined,
    }),
  )
  const variables = layers.flatMap(({ keys, values, gates }) => [keys, values, ...(gates ? [gates] : [])])
  let pastLength = 0
  let padding: Int32Array | undefined

  /** Writes [B, heads, T, …] into the slots of a variable from `first` on, and returns them all. */
  function write<X extends tf.Tensor>(variable: tf.Variable, fresh: X, first: tf.Tensor1D): X {
    const [, heads, T, ...features] = fresh.shape as [number, number, number, ...number[]]
    const slots = Int32Array.from({ length: B * heads * T }, (_, i) => Math.floor(i / T) * capacity + (i % T))
    const rows = tf.add(tf.tensor1d(slots, 'int32'), first)
    // It changes the variable's own memory, and gives it the variable's other name: nothing of the cache's size is copied.
    const [written] = tensorflowOp('InplaceUpdate', { T: 'float32' }, [
      variable,
      rows,
      tf.reshape(fresh, [B * heads * T, ...features]),
    ])
    variable.assign(written!)
    return tf.reshape(written!, [B, heads, capacity, ...features]) as X
  }
  return {
    batchSize: B,
    capacity,
    variables,
    get padding() {
      return padding
    },
    get pastLength() {
      return pastLength
    },
    extend(layer, { keys, values, gates }, first) {
      const slots = layers[layer]!
      return {
        keys: write(slots.keys, keys, first),
        values: write(slots.values, values, first),
        gates: gates && write(slots.gates!, gates, first),
      }
    },
    advance(tokens) {
      pastLength += tokens
    },
    tokensOf(layer) {
      const { keys, values, gates } = layers[layer]!
      const used = <X extends tf.Tensor>(variable: tf.Variable, heads: number, features: number[]): X => {
        const all = tf.reshape(variable, [B, heads, capacity, ...features])
        const part = tf.slice(all, [0, 0, 0, ...features.map(() => 0)], [B, heads, pastLength, ...features]) as X
        // TensorFlow's slice of everything is the same memory, which other tokens will be written in.
        return pastLength === capacity ? tf.mul(part, 1) : part
      }
      return {
        keys: used(keys, G, [headDim]),
        values: used(values, G, [headDim]),
        gates: gates && used(gates, H, []),
      }
    },
    fill(from, paddingOf) {
      pastLength = from.pastLength
      padding = paddingOf
      // What the slots hold of another text comes after all that is seen.
      if (!pastLength) return
      layers.forEach((slots, layer) => {
        tf.tidy(() => {
          const { keys, values, gates } = from.tokensOf(layer)
          const spread = (x: tf.Tensor, variable: tf.Variable) => {
            const room = x.shape.map((_, axis) => [0, axis === 2 ? capacity - pastLength : 0] as [number, number])
            variable.assign(tf.reshape(tf.pad(x, room), variable.shape))
          }
          spread(keys, slots.keys)
          spread(values, slots.values)
          if (gates) spread(gates, slots.gates!)
        })
      })
    },
    dispose: () => tf.dispose([...variables]),
  }
}
