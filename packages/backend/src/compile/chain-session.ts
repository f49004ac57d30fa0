import type * as tf from '@tensorflow/tfjs'
import { CHAIN, type Chained, chainOps, keyOf } from './chains.js'
import type { GraphOptions } from './graph.js'
import type { Binding, NodeBackend } from './node-backend.js'
import type { Constant, OpOutput, RecordedOp, Recording, Source } from './record.js'
import { createSession, type Session } from './session.js'

/**
 * A recording in chains: in one without a graph, where a chain can do it all; else in a graph whose small operations are chained, where most
 * of them are small; else as a graph. XLA fuses small operations by itself.
 */
export function createChainSession(
  backend: NodeBackend,
  recording: Recording,
  options: GraphOptions,
  variables: readonly tf.Variable[],
): Session {
  if (isWide(backend)) {
    const whole = chainOps(recording, options, backend, true)
    if (isOneChain(whole)) return owning(whole, backend, recording, () => createSoleChain(backend, whole, variables))
    drop(whole, backend)
  }
  if (options.xla) return createSession(backend, recording, options)
  const chained = chainOps(recording, options, backend)
  if (chained.taken < chained.left) {
    drop(chained, backend)
    return createSession(backend, recording, options)
  }
  return owning(chained, backend, recording, () =>
    isOneChain(chained)
      ? createSoleChain(backend, chained, variables)
      : createSession(backend, chained.recording, options),
  )
}

/** Whether the processor has vectors that our products were measured with. */
const isWide = ({ chains }: NodeBackend) => chains!.instructionSets[0] !== 'plain'

function drop({ programs }: Chained, backend: NodeBackend): void {
  for (const program of programs) backend.chains!.dropChain(program)
}

/** A session that drops the programs of its chains in the end. */
function owning(chained: Chained, backend: NodeBackend, { ops }: Recording, make: () => Session): Session {
  try {
    const session = make()
    const dispose = () => {
      session.dispose()
      drop(chained, backend)
    }
    return { ...session, numOps: ops.length, dispose }
  } catch (error) {
    drop(chained, backend)
    throw error
  }
}

/** Whether a chain gives all results and new values of variables, but of those that it writes in place. */
function isOneChain({ recording: { ops, outputs, updates }, programs, inPlace, left }: Chained): boolean {
  const isInPlace = ([variable, source]: [number, Source]) => isWrittenIn(inPlace, variable, source)
  const isResult = (source: Source) =>
    source.kind === 'op' && ops[source.op]!.name === CHAIN && !inPlace.has(keyOf(source))
  const made = [...outputs, ...[...updates].filter((update) => !isInPlace(update)).map(([, source]) => source)]
  const isEachOnce = new Set(made.map(keyOf)).size === made.length
  return programs.length === 1 && !left && isEachOnce && made.every(isResult)
}

function isWrittenIn(inPlace: Chained['inPlace'], variable: number, source: Source): boolean {
  const written = inPlace.get(keyOf(source))
  return written?.kind === 'variable' && written.index === variable
}

/**
 * Runs a chain in the thread of JavaScript, on the memory of TensorFlow.js's own variables. TensorFlow's session would hand it to
 * another thread, with each variable read and assigned by an operation.
 */
function createSoleChain(
  backend: NodeBackend,
  { recording, inPlace }: Chained,
  variables: readonly tf.Variable[],
): Session {
  const { binding } = backend
  const updates = [...recording.updates].filter(([variable, source]) => !isWrittenIn(inPlace, variable, source))
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
      const resultOf = (source: Source) => results[(source as OpOutput).output]!
      const wanted = outputs.map(resultOf)
      const values = updates.map(([, source]) => resultOf(source))
      for (const result of results)
        if (!wanted.includes(result) && !values.includes(result)) binding.deleteTensor(result.id)
      updates.forEach(([variable], i) => {
        const value = backend.createOutputTensor(values[i]!)
        variables[variable]!.assign(value)
        value.dispose()
      })
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
