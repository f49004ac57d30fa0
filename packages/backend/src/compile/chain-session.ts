import type * as tf from '@tensorflow/tfjs'
import { CHAIN, type Chained, chainSmallOps, keyOf } from './chains.js'
import type { GraphOptions } from './graph.js'
import type { Binding, NodeBackend } from './node-backend.js'
import type { Constant, OpOutput, RecordedOp, Recording, Source } from './record.js'
import { createSession, type Session } from './session.js'

/**
 * A recording whose small operations are chained, where most of them are small: as a graph, or without one where a chain does it all.
 */
export function createChainSession(
  backend: NodeBackend,
  recording: Recording,
  options: GraphOptions,
  variables: readonly tf.Variable[],
): Session {
  const chained = chainSmallOps(recording, options, backend)
  const drop = () => {
    for (const program of chained.programs) backend.chains!.dropChain(program)
  }
  try {
    const session = sessionOf(backend, recording, chained, options, variables)
    const dispose = () => {
      session.dispose()
      drop()
    }
    return { ...session, numOps: recording.ops.length, dispose }
  } catch (error) {
    drop()
    throw error
  }
}

function sessionOf(
  backend: NodeBackend,
  recording: Recording,
  chained: Chained,
  options: GraphOptions,
  variables: readonly tf.Variable[],
): Session {
  if (chained.taken < chained.left) return createSession(backend, recording, options)
  if (isOneChain(chained)) return createSoleChain(backend, chained.recording, variables)
  return createSession(backend, chained.recording, options)
}

/** Whether a chain gives all results, and each variable that changes is written in place. */
function isOneChain({ recording: { ops, outputs, updates }, programs, inPlace, left }: Chained): boolean {
  const isInPlace = ([variable, source]: [number, Source]) => {
    const written = inPlace.get(keyOf(source))
    return written?.kind === 'variable' && written.index === variable
  }
  const isResult = (source: Source) =>
    source.kind === 'op' && ops[source.op]!.name === CHAIN && !inPlace.has(keyOf(source))
  const isEachOnce = new Set(outputs.map(keyOf)).size === outputs.length
  return programs.length === 1 && !left && isEachOnce && outputs.every(isResult) && [...updates].every(isInPlace)
}

/**
 * Runs a chain in the thread of JavaScript, on the memory of TensorFlow.js's own variables. TensorFlow's session would hand it to
 * another thread, with each variable read and assigned by an operation.
 */
function createSoleChain(backend: NodeBackend, recording: Recording, variables: readonly tf.Variable[]): Session {
  const { binding } = backend
  const made = new Map<string, number>()
  const { ops, outputs, fed, guards } = recording
  const idOf = (source: Source, inputs: readonly number[] = []): number => {
    if (source.kind === 'input') return inputs[source.index]!
    if (source.kind === 'variable') return backend.getInputTensorIds([variables[source.index]!])[0]!
    const key = keyOf(source)
    if (!made.has(key) && source.kind === 'constant')
      made.set(key, createConstant(binding, recording.constants[source.index]!))
    return made.get(key)!
  }
  const run = ({ name, attributes, inputs, outputs }: RecordedOp, given?: readonly number[]) =>
    binding.executeOp(
      name,
      attributes,
      inputs.map((source) => idOf(source, given)),
      outputs.length,
    )
  const chainAt = ops.findIndex(({ name }) => name === CHAIN)
  for (const [op, fixed] of ops.entries())
    if (op !== chainAt) run(fixed).forEach(({ id }, output) => void made.set(keyOf({ kind: 'op', op, output }), id))

  return {
    numOps: ops.length,
    assigned: [],
    fed,
    isValid: () => guards.every((holds) => holds()),
    run(inputs) {
      const results = run(ops[chainAt]!, backend.getInputTensorIds(inputs))
      const wanted = outputs.map((source) => results[(source as OpOutput).output]!)
      for (const result of results) if (!wanted.includes(result)) binding.deleteTensor(result.id)
      return wanted.map((result) => backend.createOutputTensor(result))
    },
    upload() {},
    download() {},
    dispose() {
      for (const id of made.values()) binding.deleteTensor(id)
    },
  }
}

function createConstant(binding: Binding, { dtype, shape, content }: Constant): number {
  const bytes = content.slice()
  const { TF_FLOAT, TF_INT32 } = binding
  const data =
    dtype === TF_FLOAT ? new Float32Array(bytes.buffer) : dtype === TF_INT32 ? new Int32Array(bytes.buffer) : bytes
  return binding.createTensor(shape, dtype, data)
}
