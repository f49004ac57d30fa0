// This process's place among replicas, and the way to the others.
import { areLoopback, type BackendName, joinReplicas, type Replicas } from '@alibi/backend'
import type { RunPlan } from '../run-folder/begin.js'
import { type Place, placeOf, type ReplicaOptions } from './cluster.js'
import { type Launch, prepareLaunch } from './launch.js'
import { announce } from './lead.js'

/** What replicas compute with: nothing else has a runtime for several. */
export const REPLICAS_BACKEND = 'tensorflow'

/**
 * Call it before TensorFlow is loaded.
 *
 * @returns undefined where this process trains alone
 * @throws RangeError, one line, for options that name no place
 */
export async function takePlace(options: ReplicaOptions): Promise<Place | Launch | undefined> {
  const place = placeOf(options)
  // A replica that is gone makes TensorFlow say so in many lines; ours is one.
  if (place) process.env.TF_CPP_MIN_LOG_LEVEL ??= '3'
  return place && 'startHere' in place ? prepareLaunch(place.startHere) : place
}

/** @throws RangeError, one line, for another backend than replicas have */
export function backendFor(place: Place | undefined, wanted: BackendName | 'auto'): BackendName | 'auto' {
  if (!place) return wanted
  if (wanted !== 'auto' && wanted !== REPLICAS_BACKEND)
    throw new RangeError(`replicas: expected --backend ${REPLICAS_BACKEND}, got ${wanted}`)
  return REPLICAS_BACKEND
}

/** The options that have the same replicas again, or others of as many. */
export const replicaWords = ({ replicas, cluster, replica }: ReplicaOptions) => ({ replicas, cluster, replica })

/** The replicas, and what ends their work. */
export interface Crew {
  readonly replicas: Replicas
  /** The run's own signal, which is aborted as well when a replica is gone. */
  readonly signal: AbortSignal
}

interface JoinOptions {
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** Joins the others, which are started here or elsewhere. */
export async function join(place: Place | Launch, { signal, log }: JoinOptions): Promise<Crew> {
  const lost = new AbortController()
  const ended = 'start' in place ? [place.start()] : []
  const all = AbortSignal.any([signal, lost.signal, ...ended])
  const { addresses, index } = place
  const onLost = (error: Error) => lost.abort(error)
  return { replicas: await joinReplicas({ addresses, index, log, signal: all, onLost }), signal: all }
}

/** Joins the others as their leader, and tells them what is trained. */
export async function gather(place: Place | Launch, plan: RunPlan, options: JoinOptions): Promise<Crew> {
  const { length } = place.addresses
  options.log(`${length} replicas, each with its part of every batch; ${security(place)}`)
  const crew = await join(place, options)
  announce(crew.replicas, plan)
  return crew
}

/** How replicas at these addresses are protected, in a few words. */
export const security = ({ addresses }: Pick<Place, 'addresses'>): string =>
  areLoopback(addresses)
    ? 'they talk without authentication, within this machine alone'
    : 'they talk without authentication or encryption: keep their ports in a network of your own, as whoever reaches them can read and change what is trained'
