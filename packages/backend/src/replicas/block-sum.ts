import { COLLECTIVE, type Collective, collectiveAttributes } from '../compile/collective.js'
import { buildGraph, names } from '../compile/graph.js'
import type { Binding } from '../compile/node-backend.js'
import { encodeGraph } from '../compile/proto.js'
import type { Runtime } from './runtime.js'

/** TF_DataType of what is summed. */
const DTYPES = { float32: 1, float64: 2 } as const

const ARRAYS = { float32: Float32Array, float64: Float64Array }

interface Summed {
  readonly float32: Float32Array
  readonly float64: Float64Array
}

/** What adds up arrays of one type over all replicas. */
export type BlockSum<K extends keyof Summed> = (values: Summed[K]) => Summed[K]

/**
 * Sums of arrays of any length in blocks of one size, so that they are of one graph. It is run once here, while all replicas are
 * known to be there: a graph's first run waits for the leader, and without an end for one that is gone.
 */
export function createBlockSum<K extends keyof Summed>(
  runtime: Runtime,
  binding: Binding,
  { dtype, size, collective }: { readonly dtype: K; readonly size: number; readonly collective: Collective },
): BlockSum<K> {
  const type = DTYPES[dtype]
  const signature = { dtype: type, shape: [size] }
  const attributes = collectiveAttributes(binding, type, collective)
  const recording = {
    ops: [{ name: COLLECTIVE, attributes, inputs: [{ kind: 'input', index: 0 }], outputs: [signature] }],
    outputs: [{ kind: 'op', op: 0, output: 0 }],
    ...{ constants: [], fed: [], guards: [], updates: new Map() },
  } as const
  const graph = buildGraph(recording, { inputs: [signature], variables: [], xla: false }, binding)
  const session = runtime.createSession(encodeGraph(graph))
  const Values = ARRAYS[dtype] as unknown as new (from: number | ArrayBuffer) => Summed[K]
  const sum: BlockSum<K> = (values) => {
    const result = new Values(values.length)
    for (let start = 0; start < values.length; start += size) {
      const part = values.subarray(start, start + size)
      const data = new Values(size)
      data.set(part)
      const [summed] = session.run([{ ...signature, name: names.input(0), data }], [names.output(0)])
      result.set(new Values(summed!.buffer).subarray(0, part.length), start)
    }
    return result
  }
  sum(new Values(1))
  return sum
}
