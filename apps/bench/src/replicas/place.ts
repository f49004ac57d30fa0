// This process's place among replicas, and the way to the others.
import { areLoopback, type BackendName, joinReplicas } from '@alibi/backend'
import { type Place, placeOf, type ReplicaOptions } from './cluster.js'
import type { Crew, GatherOptions, JoinOptions, Leading } from './crew.js'
import { type Launch, prepareLaunch } from './launch.js'
import { announce, expectText } from './lead.js'
import { gatherThreads, hasOneThread, type ThreadedPlan } from './threads.js'

/** What replicas that are processes compute with: nothing else has a runtime for several. */
export const REPLICAS_BACKEND = 'tensorflow'

/**
 * Call it before TensorFlow is loaded.
 *
 * @returns undefined where this process trains alone, or with {@link threadsOf} it
 * @throws RangeError, one line, for options that name no place, or another backend than replicas have
 */
export async function takePlace(
  options: ReplicaOptions & { readonly backend: BackendName | 'auto' },
): Promise<Place | Launch | undefined> {
  const place = placeOf(options)
  const { backend } = options
  if (!place || ('startHere' in place && hasOneThread(backend))) return undefined
  if (backend !== 'auto' && backend !== REPLICAS_BACKEND) {
    const threads = 'startHere' in place ? ', wasm or cpu' : ''
    throw new RangeError(`replicas: expected --backend ${REPLICAS_BACKEND}${threads}, got ${backend}`)
  }
  // A replica that is gone makes TensorFlow say so in many lines; ours is one.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3'
  return 'startHere' in place ? prepareLaunch(place.startHere) : place
}

export const backendFor = (place: Place | undefined, wanted: BackendName | 'auto'): BackendName | 'auto' =>
  place ? REPLICAS_BACKEND : wanted

/** The options that have the same replicas again, or others of as many. */
export const replicaWords = ({ replicas, cluster, replica }: ReplicaOptions, backend: BackendName) => ({
  // Of two replicas `auto` would make processes.
  backend: replicas !== undefined && hasOneThread(backend) ? backend : undefined,
  replicas,
  cluster,
  replica,
})

/** Joins the others, which are started here or elsewhere. */
export async function join(place: Place | Launch, { signal, log }: JoinOptions): Promise<Crew> {
  const lost = new AbortController()
  const ended = 'start' in place ? [place.start()] : []
  const all = AbortSignal.any([signal, lost.signal, ...ended])
  const { addresses, index } = place
  const onLost = (error: Error) => lost.abort(error)
  return { replicas: await joinReplicas({ addresses, index, log, signal: all, onLost }), signal: all }
}

/**
 * Joins the others as their leader.
 *
 * @returns undefined where this process trains alone, on one thread
 */
export async function gather(
  place: Place | Launch | undefined,
  plan: ThreadedPlan,
  options: GatherOptions,
): Promise<Leading | undefined> {
  if (!place) return plan.threads > 1 ? gatherThreads(plan, options) : undefined
  const { length } = place.addresses
  options.log(`${length} replicas, each with its part of every batch; ${security(place)}`)
  const crew = await join(place, options)
  announce(crew.replicas, plan)
  return { ...crew, begin: (corpus) => expectText(crew.replicas, corpus) }
}

/** How replicas at these addresses are protected, in a few words. */
export const security = ({ addresses }: Pick<Place, 'addresses'>): string =>
  areLoopback(addresses)
    ? 'they talk without authentication, within this machine alone'
    : 'they talk without authentication or encryption: keep their ports in a network of your own, as whoever reaches them can read and change what is trained'
