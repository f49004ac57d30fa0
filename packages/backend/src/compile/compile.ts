import * as tf from '@tensorflow/tfjs'
import { joinedOf } from '../replicas/join.js'
import { ReplicaLostError } from '../replicas/lost.js'
import type { Replicas } from '../replicas/replicas.js'
import { areThreads, stepOfThreads } from '../replicas/threads.js'
import { createChainSession } from './chain-session.js'
import { type NodeBackend, nodeBackend } from './node-backend.js'
import { NotCompilable, record, type Signature } from './record.js'
import { createReplicaSession } from './replica-session.js'
import { createSession, type Session } from './session.js'
import { shareVariables, withUndo } from './variables.js'

/** What {@link compile} takes besides a step. */
export interface CompileOptions {
  /**
   * Fuse the graph with XLA. Default: where it pays, which is up to 2,000 ops and without our own operation of attention. A step that
   * our own operations can do in full runs as one of them, and has no graph to fuse, unless this is true.
   */
  readonly xla?: boolean | undefined
  /** Graphs kept for different shapes of inputs; the least used one goes. Default 8. */
  readonly maxShapes?: number | undefined
  /**
   * The step sums over these replicas, with the backend's `sumReplicas`, and all of them take the same steps. Of processes it must
   * be one graph, with one sum; of threads it runs op by op. Default: it is this process's alone.
   */
  readonly replicas?: Replicas | undefined
  /** Told after the first run of a graph: how many ops it has, and how long its making took. */
  readonly onCompile?: ((event: { readonly numOps: number; readonly seconds: number }) => void) | undefined
  /** Told in one line why the step runs op by op; of several reasons, as of different shapes, each once. */
  readonly onFallback?: ((reason: string) => void) | undefined
}

/** A step that runs as one graph, or op by op where it cannot. */
export interface Compiled {
  (...inputs: tf.Tensor[]): tf.Tensor[]
  /** Brings the variables of TensorFlow.js up to date: call it before anything else reads them. */
  sync(): void
  /** Frees the graphs, after {@link sync}. */
  dispose(): void
}

/**
 * XLA saves the launch of small ops, but computes products with Eigen, slower than oneDNN, and takes longer to compile the
 * more ops there are: small models gain 15 to 25 %, long sequences (many blocks of queries) lose more than that.
 */
const LARGEST_FOR_XLA = 2000
/** Where our attention has gradients, little is left that XLA could fuse. */
const ATTENTION_GRADIENT = 'AlibiAttentionGradient'

/** How often a graph is made again because the step then computes something else. */
const MOST_REMADE = 3

interface Entry {
  readonly session: Session
  /** The first run compiles: its time is the user's wait. */
  started: number | undefined
}

/**
 * Makes one graph of a step: all that `step` does with tensors, forward, backward and optimizer alike, is recorded once
 * and then happens in one call, with the variables inside. It knows nothing of what the step
 * computes.
 *
 * Numbers that change from step to step must come in as inputs, or through the backend's `feed`: whatever else the step makes
 * on the host is a constant of the graph. Random numbers must come from ops with a seed among the inputs. Variables that something else assigned are noticed
 * and taken over.
 *
 * The function is long because its parts share which graphs there are.
 *
 * @param step - gets the inputs, returns the outputs; runs inside tf.tidy
 * @param variables - all that the step reads or assigns
 */
export function compile(
  step: (...inputs: tf.Tensor[]) => tf.Tensor[],
  variables: readonly tf.Variable[],
  options: CompileOptions = {},
): Compiled {
  const { xla, maxShapes = 8, replicas, onCompile, onFallback } = options
  if (replicas && areThreads(replicas)) {
    onFallback?.(`the ${tf.getBackend()} backend runs op by op`)
    return stepOfThreads(step, replicas)
  }
  const joined = replicas && joinedOf(replicas)
  const entries = new Map<string, Entry>()
  const shared = shareVariables(variables)
  /** Shapes of inputs that make no graph. */
  const refused = new Set<string>()
  const told = new Set<string>()
  /** How often the graph of a shape was made again. */
  const remade = new Map<string, number>()

  function opByOp(inputs: tf.Tensor[]): tf.Tensor[] {
    shared.sync()
    return tf.tidy(() => step(...inputs))
  }

  /** Runs the step op by op, for its recording; the numbers are the graph's, from the first step on. */
  function recordEntry(backend: NodeBackend, key: string, inputs: tf.Tensor[]): tf.Tensor[] {
    shared.sync()
    const started = performance.now()
    let recording: ReturnType<typeof record>['recording'] | undefined
    const { result: results, end } = withUndo(variables, () =>
      tf.tidy(() => {
        const recorded = record(backend, () => step(...inputs), inputs, variables, joined)
        recording = recorded.recording
        return recorded.results
      }),
    )
    try {
      if (recording instanceof NotCompilable) throw recording
      const signature = ({ dtype, shape }: tf.Tensor): Signature => ({ dtype: backend.getDTypeInteger(dtype), shape })
      const { ops, fed } = recording!
      const ofFed = fed.map(({ dtype, shape }) => ({ dtype: backend.getDTypeInteger(dtype), shape }))
      const graph = {
        inputs: [...inputs.map(signature), ...ofFed],
        variables: variables.map(signature),
        xla: xla ?? (ops.length <= LARGEST_FOR_XLA && !ops.some(({ name }) => name === ATTENTION_GRADIENT)),
      }
      const isChained = backend.operations && backend.chains && xla !== true
      const session = joined
        ? createReplicaSession(backend, joined.runtime, recording!, graph)
        : isChained
          ? createChainSession(backend, recording!, graph, variables)
          : createSession(backend, recording!, graph)
      entries.set(key, { session, started })
    } catch (error) {
      end(false)
      refuse(key, (error as Error).message)
      return results
    }
    if (entries.size > maxShapes) forget(entries.keys().next().value!)
    end(true)
    tf.dispose(results)
    try {
      return runEntry(key, entries.get(key)!, inputs)
    } catch (error) {
      if (error instanceof ReplicaLostError) throw error
      // The library could not prepare the graph.
      refuse(key, (error as Error).message)
      forget(key)
      return opByOp(inputs)
    }
  }

  function forget(key: string): void {
    const { session } = entries.get(key)!
    shared.leave(session)
    session.dispose()
    entries.delete(key)
  }

  /** Drops a graph that is not for the next run. One for that run may take its place, but not again and again. */
  function mayRemake(key: string): boolean {
    forget(key)
    const count = 1 + (remade.get(key) ?? 0)
    remade.set(key, count)
    if (count > MOST_REMADE) refuse(key, 'the step computes other things from run to run')
    return count <= MOST_REMADE
  }

  function refuse(key: string, reason: string): void {
    if (joined)
      throw new Error(`compile: expected a step of replicas that is one graph, got one that is not: ${reason}`)
    refused.add(key)
    if (!told.has(reason)) onFallback?.(reason)
    told.add(reason)
  }

  function runEntry(key: string, entry: Entry, inputs: tf.Tensor[]): tf.Tensor[] {
    // The most recently used is the last to go.
    entries.delete(key)
    entries.set(key, entry)
    const fed = entry.session.fed.map(({ make, dtype, shape }) => tf.tensor(make(), [...shape], dtype))
    const results = shared.run(entry.session, [...inputs, ...fed])
    tf.dispose(fed)
    if (entry.started !== undefined) {
      onCompile?.({ numOps: entry.session.numOps, seconds: (performance.now() - entry.started) / 1000 })
      entry.started = undefined
    }
    return results
  }

  return Object.assign(
    (...inputs: tf.Tensor[]): tf.Tensor[] => {
      const backend = nodeBackend()
      const key = inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`).join()
      if (!backend) refuse(key, `the ${tf.getBackend()} backend runs op by op`)
      if (!backend || refused.has(key)) return opByOp(inputs)
      const entry = entries.get(key)
      if (entry?.session.isValid()) return runEntry(key, entry, inputs)
      if (entry && !mayRemake(key)) return opByOp(inputs)
      return recordEntry(backend, key, inputs)
    },
    {
      sync: shared.sync,
      dispose() {
        shared.sync()
        for (const key of [...entries.keys()]) forget(key)
      },
    },
  )
}
