import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { buildGraph, type GraphOptions, names } from './graph.js'
import type { NodeBackend } from './node-backend.js'
import { encodeSavedModel } from './proto.js'
import type { Fed, Recording } from './record.js'

/** A recorded step as a graph that TensorFlow optimises and runs in one call, with variables of its own. */
export interface Session {
  readonly numOps: number
  /** Indices of the variables that it assigns. */
  readonly assigned: readonly number[]
  /** @param inputs - those of the step and those that are fed */
  run(inputs: readonly tf.Tensor[]): tf.Tensor[]
  readonly fed: readonly Fed[]
  /** Whether the graph is for the next run. */
  isValid(): boolean
  /** Sets some of the session's variables to those of TensorFlow.js. */
  upload(variables: readonly tf.Variable[], indices: readonly number[]): void
  /** Sets the variables of TensorFlow.js that the session assigns to the session's. */
  download(variables: readonly tf.Variable[]): void
  dispose(): void
}

const TAG = 'step'
const PREFIX = 'alibi-step-'

/** Folders of processes that were killed while TensorFlow was reading. */
function removeStale(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(name.startsWith(PREFIX) && name.slice(PREFIX.length).split('-')[0])
    if (pid && !isAlive(pid)) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Somebody else's process is alive all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function createSession(backend: NodeBackend, recording: Recording, options: GraphOptions): Session {
  const { binding } = backend
  const bytes = encodeSavedModel(buildGraph(recording, options, binding), TAG)
  // TensorFlow takes a graph from a folder only; it is read whole, so nothing outlives this.
  removeStale()
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  let id: number
  try {
    writeFileSync(join(folder, 'saved_model.pb'), bytes)
    id = binding.loadSavedModel(folder, TAG)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const list = (count: number, name: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => name(i)).join()
  const inputNames = list(options.inputs.length, names.input)
  const outputNames = list(recording.outputs.length, names.output)
  const assigned = [...recording.updates.keys()]
  const run = (tensors: readonly tf.Tensor[], inputs: string, outputs: string) =>
    binding
      .runSavedModel(id, backend.getInputTensorIds(tensors), inputs, outputs)
      .map((metadata) => backend.createOutputTensor(metadata))

  return {
    numOps: recording.ops.length,
    assigned,
    fed: recording.fed,
    isValid: () => recording.guards.every((holds) => holds()),
    run: (inputs) => run(inputs, inputNames, outputNames),
    upload(variables, indices) {
      if (!indices.length) return
      const fresh = indices.map((i) => variables[i]!)
      tf.dispose(run(fresh, indices.map(names.fresh).join(), indices.map(names.uploaded).join()))
    },
    download(variables) {
      if (!assigned.length) return
      run([], '', assigned.map(names.read).join()).forEach((value, i) => {
        variables[assigned[i]!]!.assign(value)
        value.dispose()
      })
    },
    dispose: () => binding.deleteSavedModel(id),
  }
}
