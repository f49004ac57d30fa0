import type { TensorOps } from '@alibi/core'
import type * as tf from '@tensorflow/tfjs'
import { hostTensor } from '../compiler.js'
import type { Places } from './places.js'
import { gatherAt, tfOps } from './tf-ops.js'

type Numbers = Float32Array | Int32Array

/**
 * Evaluates a strategy's hook at the places of a pass. Where places move from run to run, the numbers that the hook makes on
 * the host (distances, buckets, tables) become inputs of the graph: before each run the hook is evaluated again at the
 * places of then, with functions that keep those numbers and compute nothing.
 *
 * @param hook - must take its positions from the places that it is given
 */
export function evaluateAt<R>(places: Places, hook: (ops: TensorOps<tf.Tensor>, places: Places) => R): R {
  const { now } = places
  if (!now) return hook(tfOps, places)
  const numbersAt = keepLast((at: Places) => numbersOf((ops) => hook(ops, at)))
  let count = 0
  const fed = <R extends tf.Rank>(shape: tf.ShapeMap[R], dtype: 'float32' | 'int32') => {
    const index = count++
    return hostTensor<R>(() => numbersAt(now())[index] ?? new Float32Array(), shape, dtype)
  }
  const ops: TensorOps<tf.Tensor> = {
    ...tfOps,
    tensor: (_data, shape) => fed([...shape] as tf.ShapeMap[tf.Rank], 'float32'),
    gather: (x, indices, axis) => gatherAt(x, fed<tf.Rank.R1>([indices.length], 'int32'), axis),
  }
  return hook(ops, places)
}

/** A function that keeps its last result. */
export function keepLast<Given extends object, Result>(compute: (given: Given) => Result): (given: Given) => Result {
  let last: { readonly given: Given; readonly result: Result } | undefined
  return (given) => {
    if (last?.given !== given) last = { given, result: compute(given) }
    return last.result
  }
}

/** The numbers that a hook hands to its tensor functions, in order. */
function numbersOf(hook: (ops: TensorOps<tf.Tensor>) => unknown): Numbers[] {
  const numbers: Numbers[] = []
  const nothing = {} as tf.Tensor
  const keeping: Partial<TensorOps<tf.Tensor>> = {
    tensor(data) {
      numbers.push(Float32Array.from(data))
      return nothing
    },
    gather(_x, indices) {
      numbers.push(Int32Array.from(indices))
      return nothing
    },
  }
  const others = Object.keys(tfOps).map((name) => [name, () => nothing])
  hook({ ...Object.fromEntries(others), ...keeping })
  return numbers
}
