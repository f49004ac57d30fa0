import type * as tf from '@tensorflow/tfjs'
import { COLLECTIVE, type Collective, collectiveAttributes } from './collective.js'
import { type Binding, type NodeBackend, type OpAttribute, typeAttribute } from './node-backend.js'

/** An output of an op. */
export interface OpOutput {
  readonly kind: 'op'
  readonly op: number
  readonly output: number
}

/** Where a value comes from: an output of an op, a variable, an input of the step, or a constant. */
export type Source = OpOutput | { readonly kind: 'variable' | 'input' | 'constant'; readonly index: number }

/** What a value looks like to TensorFlow. */
export interface Signature {
  readonly dtype: number
  readonly shape: readonly number[]
}

export interface RecordedOp {
  readonly name: string
  readonly attributes: readonly OpAttribute[]
  readonly inputs: readonly Source[]
  readonly outputs: readonly Signature[]
}

/** A value that the step read and did not compute; bytes in the order of the machine. */
export interface Constant extends Signature {
  readonly content: Uint8Array
}

/** Numbers that the host makes anew for each run. */
export interface Fed {
  readonly dtype: 'float32' | 'int32'
  readonly shape: readonly number[]
  make(): Float32Array | Int32Array
}

/** One execution of a step, as TensorFlow saw it. */
export interface Recording {
  /** Inputs after those of the step, in the order in which it made them. */
  readonly fed: readonly Fed[]
  /** What must hold for a run. */
  readonly guards: readonly (() => boolean)[]
  readonly ops: readonly RecordedOp[]
  readonly constants: readonly Constant[]
  readonly outputs: readonly Source[]
  /** New values of the variables that changed, by index. */
  readonly updates: ReadonlyMap<number, Source>
}

/** Why a step cannot be a graph. */
export class NotCompilable extends Error {}

/**
 * Runs `step` once and writes down every op that reaches the native addon: forward, backward and optimizer pass the same
 * door. The run is real: variables change, and its results come with the recording or with the reason why there is none. What
 * is replaced for the run is put back below it, in the same function.
 */
export function record(
  backend: NodeBackend,
  step: () => tf.Tensor[],
  inputs: readonly tf.Tensor[],
  variables: readonly tf.Variable[],
  collective?: Collective,
): { readonly results: tf.Tensor[]; readonly recording: Recording | NotCompilable } {
  const { binding, getInputTensorIds } = backend
  const idOf = (tensor: tf.TensorInfo) => getInputTensorIds.call(backend, [tensor])[0]!
  const sources = new Map<number, Source>()
  inputs.forEach((tensor, index) => {
    sources.set(idOf(tensor), { kind: 'input', index })
  })
  const before = variables.map(idOf)
  before.forEach((id, index) => {
    sources.set(id, { kind: 'variable', index })
  })

  const ops: RecordedOp[] = []
  const constants: Constant[] = []
  const known = new Map<number, Signature>()
  let problem: NotCompilable | undefined

  function sourceOf(id: number): Source {
    const source = sources.get(id)
    if (source) return source
    // Made on the host, or before the step: its value now is its value always.
    const { shape, dtype } = known.get(id) ?? unknown()
    const data = binding.tensorDataSync(id)
    const content = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
    const constant: Source = { kind: 'constant', index: constants.push({ dtype, shape, content }) - 1 }
    sources.set(id, constant)
    return constant
  }
  function unknown(): never {
    throw new NotCompilable('a 64-bit integer made on the host')
  }

  const recorder: Partial<Binding> = {
    executeOp(name, attributes, inputIds, numOutputs) {
      const outputs = binding.executeOp(name, attributes, inputIds, numOutputs)
      try {
        const op = ops.push({ name, attributes, inputs: inputIds.map(sourceOf), outputs }) - 1
        outputs.forEach(({ id }, output) => {
          sources.set(id, { kind: 'op', op, output })
        })
      } catch (error) {
        problem ??= new NotCompilable(`${name}: ${(error as Error).message}`)
      }
      return outputs
    },
    tensorDataSync(id) {
      const source = sources.get(id)
      if (source && source.kind !== 'constant') {
        const what = source.kind === 'op' ? `the result of ${ops[source.op]!.name}` : `an ${source.kind}`
        problem ??= new NotCompilable(`the step reads ${what} on the host`)
      }
      return binding.tensorDataSync(id)
    },
  }

  const fed: Fed[] = []
  backend.feed = (tensor, make) => {
    const { dtype, shape } = tensor
    const index = inputs.length + fed.push({ dtype: dtype as Fed['dtype'], shape, make }) - 1
    sources.set(idOf(tensor), { kind: 'input', index })
  }
  const guards: (() => boolean)[] = []
  backend.guard = (holds) => void guards.push(holds)
  backend.keepOut = (reason) => {
    problem ??= new NotCompilable(reason)
  }
  if (collective)
    backend.sumReplicas = (tensor) => {
      // In the recording run, of which no number is kept, this replica's part stands for the sum.
      const type = [typeAttribute(backend, 'T', tensor.dtype)]
      const id = idOf(tensor)
      const [output] = binding.executeOp('Identity', type, [id], 1)
      const attributes = collectiveAttributes(binding, output!.dtype, collective)
      const op = ops.push({ name: COLLECTIVE, attributes, inputs: [sourceOf(id)], outputs: [output!] }) - 1
      sources.set(output!.id, { kind: 'op', op, output: 0 })
      return backend.createOutputTensor(output!)
    }
  // The addon's own properties are read-only: a copy stands in for it.
  backend.binding = { ...copyOf(binding), ...recorder }
  backend.getInputTensorIds = (tensors) => {
    const ids = getInputTensorIds.call(backend, tensors)
    tensors.forEach((tensor, i) => {
      if (tensor.dataId) known.set(ids[i]!, backend.tensorMap.get(tensor.dataId))
    })
    return ids
  }
  try {
    const results = step()
    const updates = new Map<number, Source>()
    const final = (tensor: tf.TensorInfo) => sourceOf(backend.getInputTensorIds([tensor])[0]!)
    const outputs = results.map(final)
    variables.forEach((variable, index) => {
      if (idOf(variable) !== before[index]) updates.set(index, final(variable))
    })
    return { results, recording: problem ?? { ops, constants, fed, guards, outputs, updates } }
  } finally {
    delete backend.feed
    delete backend.guard
    delete backend.keepOut
    delete backend.sumReplicas
    backend.binding = binding
    backend.getInputTensorIds = getInputTensorIds
  }
}

function copyOf(binding: Binding): Binding {
  const names = Object.getOwnPropertyNames(binding) as (keyof Binding)[]
  return Object.fromEntries(
    names.map((name) => {
      const value = binding[name] as unknown
      return [name, typeof value === 'function' ? value.bind(binding) : value]
    }),
  ) as unknown as Binding
}
