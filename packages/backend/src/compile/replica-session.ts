import * as tf from '@tensorflow/tfjs'
import type { GraphSession, Runtime } from '../replicas/runtime.js'
import { buildGraph, type GraphOptions, names } from './graph.js'
import type { NodeBackend } from './node-backend.js'
import { encodeGraph } from './proto.js'
import type { Recording } from './record.js'
import type { Session } from './session.js'

/**
 * A recorded step as a graph on this replica's server. Values pass through the host: a step's inputs and outputs are small, and
 * variables pass only when something else reads or has assigned them.
 */
export function createReplicaSession(
  backend: NodeBackend,
  runtime: Runtime,
  recording: Recording,
  options: GraphOptions,
): Session {
  const session: GraphSession = runtime.createSession(encodeGraph(buildGraph(recording, options, backend.binding)))
  const assigned = [...recording.updates.keys()]
  const dtypeNames = new Map(
    (['float32', 'int32', 'bool'] as const).map((name) => [backend.getDTypeInteger(name), name] as const),
  )
  const feed = (name: string, tensor: tf.Tensor) => ({
    name,
    dtype: backend.getDTypeInteger(tensor.dtype),
    shape: tensor.shape,
    data: tensor.dataSync() as Float32Array | Int32Array | Uint8Array,
  })
  const fetch = (fetches: readonly string[], feeds: readonly ReturnType<typeof feed>[]) =>
    session.run(feeds, fetches).map(({ dtype, shape, buffer }) => {
      const name = dtypeNames.get(dtype)
      if (name === undefined)
        throw new Error(`replicas: expected results of float32, int32 or bool, got TF_DataType ${dtype}`)
      const data = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[name]
      return tf.tensor(new data(buffer), [...shape], name)
    })

  return {
    numOps: recording.ops.length,
    assigned,
    fed: recording.fed,
    isValid: () => recording.guards.every((holds) => holds()),
    run: (inputs) =>
      fetch(
        recording.outputs.map((_, i) => names.output(i)),
        inputs.map((tensor, i) => feed(names.input(i), tensor)),
      ),
    upload(variables, indices) {
      if (!indices.length) return
      const feeds = indices.map((i) => feed(names.fresh(i), variables[i]!))
      tf.dispose(fetch(indices.map(names.uploaded), feeds))
    },
    download(variables) {
      const values = fetch(assigned.map(names.read), [])
      values.forEach((value, i) => {
        variables[assigned[i]!]!.assign(value)
        value.dispose()
      })
    },
    dispose: () => session.close(),
  }
}
