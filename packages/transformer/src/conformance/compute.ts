// Letters: B batch, H heads, Q/K queries/keys, D headDim.
import { fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias } from '../kernels/attention/bias.js'
import { type AttentionDropout, type AttentionInputs, type AttentionKernel, run } from '../kernels/attention/kernel.js'
import type { Numbers, Situation } from './situations.js'
import { problemOf } from './situations.js'

/** Numbers by name: `out`, and the gradients `q`, `k`, `v`, `bias` and `gate`. */
export type Results = Readonly<Record<string, Float32Array>>

/** What a kernel makes of a situation; gradients where it trains. */
export async function compute(
  kernel: AttentionKernel,
  situation: Situation,
  numbers: Numbers,
  trains: boolean,
  dropout?: AttentionDropout,
): Promise<Results> {
  const [B, H, Q, K, D] = situation.dims
  const rows = { q: [B, H, Q, D], k: [B, H, K, D], v: [B, H, K, D] }
  const shapes = { ...rows, bias: biasShape(situation), gate: [B, H, K] }
  const trained = INPUTS.filter((name) => numbers[name].length)
  const tensors = trained.map((name) => upload(numbers[name], shapes[name]))
  const weight = upload(numbers.weight, shapes.q)
  const given = problemOf(situation, tf.getBackend(), trains)
  const problem = dropout ? { ...given, asks: [...given.asks, 'dropout' as const] } : given
  const attend = (...given: tf.Tensor[]) => {
    const named = Object.fromEntries(trained.map((name, i) => [name, given[i]!])) as Record<string, tf.Tensor>
    const { q, k, v, bias, gate } = named
    return run(kernel, problem, { ...inputsOf(situation, bias), q, k, v, gate, dropout } as AttentionInputs)
  }
  const outputs = tf.tidy(() => {
    const out = attend(...tensors)
    const disposed = trained.find((_, i) => tensors[i]!.isDisposed)
    if (disposed) fail('attentionCases', `${kernel.name} to leave its inputs`, `${disposed} disposed`)
    if (!trains) return [out]
    const weighted = (...all: tf.Tensor[]) => tf.sum(tf.mul(attend(...all), weight))
    return [out, ...tf.grads(weighted as Parameters<typeof tf.grads>[0])(tensors)]
  })
  const values = await Promise.all(outputs.map((x) => x.data()))
  tf.dispose([...outputs, ...tensors, weight])
  return Object.fromEntries(values.map((each, i) => [['out', ...trained][i]!, each as Float32Array]))
}

const INPUTS = ['q', 'k', 'v', 'bias', 'gate'] as const

const upload = (data: Float64Array, shape: readonly number[]) => tf.tensor(Float32Array.from(data), [...shape])

function biasShape({ dims, kind }: Situation): number[] {
  const [, H, Q, K] = dims
  return { none: [0], linear: [H], table: [H, K], tiles: [H, Q, K] }[kind]
}

/** Bias and padding on the device; the bias's numbers are a tensor that gradients may be taken of. */
function inputsOf({ dims, kind, positions, masked }: Situation, numbers: tf.Tensor | undefined) {
  const [B, H, Q, K] = dims
  const at = Int32Array.from({ length: K }, (_, i) => positions?.(i) ?? i)
  const biases: Record<Situation['kind'], () => AttentionBias> = {
    none: () => ({ kind: 'none' }),
    linear: () => ({
      kind: 'linear',
      slopes: numbers!,
      queries: tf.tensor1d(at.subarray(K - Q), 'int32'),
      keys: tf.tensor1d(at, 'int32'),
      consecutive: !positions,
    }),
    table: () => ({ kind: 'table', table: numbers! }),
    tiles: () => ({
      kind: 'tiles',
      tiles: ({ start, end, firstKey = 0, numKeys }) =>
        tf.slice(numbers!, [0, start, firstKey], [H, end - start, numKeys - firstKey]),
    }),
  }
  const mask = Float32Array.from({ length: B * K }, (_, i) => Number(masked?.(Math.floor(i / K), i % K) ?? false))
  return { bias: biases[kind](), padding: masked && tf.tensor(mask, [B, 1, 1, K]) }
}
