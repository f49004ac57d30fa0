import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { oneLine } from '../loaded.js'
import { findAddon } from '../setup/addon.js'
import { ReplicaLostError } from './lost.js'

const require = createRequire(import.meta.url)

/** A value that a graph is fed. */
interface Feed {
  readonly name: string
  /** A TF_DataType. */
  readonly dtype: number
  readonly shape: readonly number[]
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array
}

/** A value that a graph gives. */
interface Fetched {
  readonly dtype: number
  readonly shape: readonly number[]
  readonly buffer: ArrayBuffer
}

type NativeSession = object

/** The compiled `native/replicas.cc`. */
interface Native {
  startServer(serverDef: Uint8Array, loopbackPort: number): string
  createSession(graphDef: Uint8Array, target: string, config: Uint8Array): NativeSession
  run(session: NativeSession, feeds: readonly Feed[], fetches: readonly string[]): Fetched[]
  closeSession(session: NativeSession): void
}

/** A graph on this process's server. */
export interface GraphSession {
  /**
   * Waits until it is done, which for sums is when all replicas have given their part.
   *
   * @throws ReplicaLostError where another replica is gone
   */
  run(feeds: readonly Feed[], fetches: readonly string[]): Fetched[]
  close(): void
}

/** @throws Error, one line, for an address that is in use, or a system that cannot keep it to itself */
function startServer(native: Native, server: Uint8Array, loopbackPort: number): string {
  try {
    return native.startServer(server, loopbackPort)
  } catch (error) {
    throw new Error(`replicas: expected to listen on this replica's address, got ${oneLine(error)}; take another port`)
  }
}

/** This process's server. */
export interface Runtime {
  /** @param graph - a GraphDef's bytes */
  createSession(graph: Uint8Array): GraphSession
}

/**
 * Starts the server of this process. It serves until the process ends.
 *
 * @param loopbackPort - the port of a server that this machine alone is to reach; 0: every address of the machine
 * @throws Error, one line, where it cannot listen
 */
export function startRuntime(server: Uint8Array, config: Uint8Array, loopbackPort: number): Runtime {
  const path = findAddon()?.replicasPath
  if (path === undefined || !existsSync(path))
    throw new Error("replicas: expected the way to TensorFlow's runtime, got none; run `npx alibi-setup-tensorflow`")
  const native = require(path) as Native
  const target = startServer(native, server, loopbackPort)
  return {
    createSession(graph) {
      const session = native.createSession(graph, target, config)
      return {
        run(feeds, fetches) {
          try {
            return native.run(session, feeds, fetches)
          } catch (error) {
            throw ReplicaLostError.from(error as Error) ?? error
          }
        },
        close: () => native.closeSession(session),
      }
    },
  }
}
