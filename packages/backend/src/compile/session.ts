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
  /** Whether it assigns variables. */
  readonly assigns: boolean
  /** @param inputs - those of the step and those that are fed */
  run(inputs: readonly tf.Tensor[]): tf.Tensor[]
  readonly fed: readonly Fed[]
  /** Sets the session's variables to those of TensorFlow.js. */
  upload(variables: readonly tf.Variable[]): void
  /** Sets the variables of TensorFlow.js to the session's. */
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
  const freshNames = list(options.variables.length, names.fresh)
  const readNames = list(options.variables.length, names.read)
  const run = (tensors: readonly tf.Tensor[], inputs: string, outputs: string) =>
    binding
      .runSavedModel(id, backend.getInputTensorIds(tensors), inputs, outputs)
      .map((metadata) => backend.createOutputTensor(metadata))

  return {
    numOps: recording.ops.length,
    assigns: recording.updates.size > 0,
    fed: recording.fed,
    run: (inputs) => run(inputs, inputNames, outputNames),
    upload(variables) {
      if (variables.length) tf.dispose(run(variables, freshNames, names.uploaded))
    },
    download(variables) {
      if (!variables.length) return
      run([], '', readNames).forEach((value, i) => {
        variables[i]!.assign(value)
        value.dispose()
      })
    },
    dispose: () => binding.deleteSavedModel(id),
  }
}
