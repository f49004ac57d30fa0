import type { TensorOps } from '@alibi/core'
import type * as tf from '@tensorflow/tfjs'
import { guardGraph, hostTensor } from '../compiler.js'
import type { Places } from './places.js'
import { gatherAt, tfOps } from './tf-ops.js'

type Hook<R> = (ops: TensorOps<tf.Tensor>, places: Places) => R

/**
 * Evaluates a strategy's hook at the places of a pass. Where places move from run to run, the numbers that the hook makes on
 * the host (distances, buckets, tables) become inputs of the graph: before each run the hook is evaluated again at the
 * places of then, with functions that keep those numbers and compute nothing. If it then calls other functions, the graph is
 * not for that run.
 *
 * @param hook - must take its positions from the places that it is given
 */
export function evaluateAt<R>(places: Places, hook: Hook<R>): R {
  const { now } = places
  if (!now) return hook(tfOps, places)
  const traceAt = keepLast((at: Places) => traceOf(hook, at))
  const { calls } = traceAt(places)
  guardGraph(() => traceAt(now()).calls === calls)
  let count = 0
  const fed = <R extends tf.Rank>(shape: tf.ShapeMap[R], dtype: 'float32' | 'int32') => {
    const index = count++
    return hostTensor<R>(() => traceAt(now()).numbers[index]!, shape, dtype)
  }
  const ops: TensorOps<tf.Tensor> = {
    ...tfOps,
    tensor: (_data, shape) => fed([...shape] as tf.ShapeMap[tf.Rank], 'float32'),
    gather: (x, indices, axis) => gatherAt(x, fed<tf.Rank.R1>([indices.length], 'int32'), axis),
  }
  return hook(ops, places)
}

/** What a hook does at some places. */
interface Trace {
  /** The numbers that it hands to its tensor functions, in order. */
  readonly numbers: readonly (Float32Array | Int32Array)[]
  /** The functions that it calls, with shapes and axes, and with tensors by when they first appear. */
  readonly calls: string
}

function traceOf(hook: Hook<unknown>, places: Places): Trace {
  const numbers: (Float32Array | Int32Array)[] = []
  const calls: string[] = []
  const tensors = new Map<unknown, number>()
  const numberOf = (tensor: unknown) => {
    if (!tensors.has(tensor)) tensors.set(tensor, tensors.size)
    return `t${tensors.get(tensor)}`
  }
  const told = (value: unknown) => {
    if (typeof value === 'number') return `${value}`
    if (value instanceof Int32Array || value instanceof Float32Array) return `[${value.length}]`
    return Array.isArray(value) ? `[${value}]` : numberOf(value)
  }
  const call = (name: string, args: readonly unknown[]) => {
    const made = {} as tf.Tensor
    calls.push(`${numberOf(made)}=${name}(${args.map(told)})`)
    return made
  }
  const others = Object.keys(tfOps).map((name) => [name, (...args: unknown[]) => call(name, args)])
  const tracing: TensorOps<tf.Tensor> = {
    ...Object.fromEntries(others),
    tensor(data, shape) {
      numbers.push(Float32Array.from(data))
      return call('tensor', [[...shape]])
    },
    gather(x, indices, axis) {
      numbers.push(Int32Array.from(indices))
      return call('gather', [x, indices, axis])
    },
  }
  const result = hook(tracing, places)
  return { numbers, calls: `${calls.join()};${told(result)}` }
}

/** A function that keeps its last result. */
export function keepLast<Given extends object, Result>(compute: (given: Given) => Result): (given: Given) => Result {
  let last: { readonly given: Given; readonly result: Result } | undefined
  return (given) => {
    if (last?.given !== given) last = { given, result: compute(given) }
    return last.result
  }
}
