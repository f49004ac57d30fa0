import { setTimeout } from 'node:timers/promises'
import type { Collective } from '../compile/collective.js'
import { nodeBackend } from '../compile/node-backend.js'
import { areLoopback, parseAddress, reaches } from './address.js'
import { createBlockSum } from './block-sum.js'
import { encodeConfig, encodeServer } from './proto.js'
import type { Replicas } from './replicas.js'
import { type Runtime, startRuntime } from './runtime.js'
import { watchPeers } from './watch.js'

/** What {@link joinReplicas} takes. */
export interface JoinOptions {
  /** The replicas' addresses, `host:port`, the same list on each. If all are of loopback, no other machine can reach them. */
  readonly addresses: readonly string[]
  /** Which of them this process is, from 0. */
  readonly index: number
  /** Told of replicas that are not there yet, a line each, once. */
  readonly log?: ((line: string) => void) | undefined
  /** Ends the wait for others. */
  readonly signal?: AbortSignal | undefined
  /** Told when another replica is gone while this one does not wait for it, with a line. */
  readonly onLost?: ((error: Error) => void) | undefined
}

/** What a compiler needs of replicas. */
interface Joined extends Collective {
  readonly runtime: Runtime
}

const joined = new WeakMap<Replicas, Joined>()

/** @throws TypeError for what {@link joinReplicas} has not made */
export function joinedOf(replicas: Replicas): Joined {
  const found = joined.get(replicas)
  if (!found) throw new TypeError('compile: expected replicas that joinReplicas has made, got others')
  return found
}

const RETRY_MS = 200
/** Numbers of a block: sums are of a few, shared weights of many. */
const BLOCKS = { sum: 2 ** 12, share: 2 ** 18 } as const

/**
 * Joins other processes through TensorFlow's own distributed runtime: starts this one's server, and waits until all have theirs.
 * Nothing proves who is there: whoever reaches an address can read and change what is computed.
 *
 * @throws RangeError for no addresses or an index beyond them; Error, one line, for an address that cannot be listened on, or
 * where TensorFlow is not the backend; the signal's reason when it is aborted
 */
export async function joinReplicas(options: JoinOptions): Promise<Replicas> {
  const { addresses, index, log = () => {}, signal, onLost = () => {} } = options
  const peers = addresses.map(parseAddress)
  const own = peers[index]
  if (!own || peers.length < 2)
    throw new RangeError(`joinReplicas: expected an index into two addresses or more, got ${index} of ${peers.length}`)
  const backend = nodeBackend()
  if (!backend) throw new Error('joinReplicas: expected the tensorflow backend, got another; take --backend tensorflow')
  const loopbackPort = areLoopback(addresses) ? own.port : 0
  const runtime = startRuntime(encodeServer(addresses, index), encodeConfig(index), loopbackPort)
  for (const [i, peer] of peers.entries()) {
    let told = i === index
    while (i !== index && !(await reaches(peer))) {
      signal?.throwIfAborted()
      if (!told) log(`waiting for replica ${i} at ${addresses[i]}`)
      told = true
      await setTimeout(RETRY_MS, undefined, { signal }).catch(() => signal?.throwIfAborted())
    }
  }
  let lost: Error | undefined
  const watch = watchPeers({
    addresses,
    index,
    onLost(error) {
      lost = error
      onLost(error)
    },
  })
  // Where a machine says nothing, nothing would end the wait for it: the watch has said its word.
  const unlessLost =
    <T>(add: (values: T) => T) =>
    (values: T) => {
      if (lost) throw lost
      return add(values)
    }
  let keys = 0
  const collective = { count: peers.length, nextKey: () => ++keys }
  const { binding } = backend
  const sum = unlessLost(createBlockSum(runtime, binding, { dtype: 'float64', size: BLOCKS.sum, collective }))
  const add = unlessLost(createBlockSum(runtime, binding, { dtype: 'float32', size: BLOCKS.share, collective }))
  const replicas: Replicas = {
    index,
    count: peers.length,
    sum,
    // −0 is what changes no number, whatever it is added to.
    share: (values) => add(index === 0 ? values : new Float32Array(values.length).fill(-0)),
    leave: watch.stop,
  }
  joined.set(replicas, { ...collective, runtime })
  return replicas
}
