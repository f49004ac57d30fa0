// Which processes train together: from options, or from what has started them.
import { type Environment, numberOf } from './environment.js'
import { slurmAddresses } from './slurm.js'

/** How the command line asks for replicas. */
export interface ReplicaOptions {
  /** So many processes on this machine. */
  readonly replicas?: number
  /** Their addresses, or the name of what started them. */
  readonly cluster?: string
  /** Which of them this one is. */
  readonly replica?: number
}

/** One of several processes that train together. */
export interface Place {
  /** `host:port` of each. */
  readonly addresses: readonly string[]
  /** Which of them this is; the first one leads. */
  readonly index: number
}

/** Variables that number processes: of torchrun and its like, Slurm, and an indexed job of Kubernetes. */
const INDICES = ['RANK', 'SLURM_PROCID', 'JOB_COMPLETION_INDEX'] as const

/**
 * @returns a place among processes that are started elsewhere, or how many are to be started here; undefined: this one works alone
 * @throws RangeError, one line, for options or variables that name no place
 */
export function placeOf(
  { replicas, cluster, replica }: ReplicaOptions,
  environment: Environment = process.env,
): Place | { readonly startHere: number } | undefined {
  if (replicas !== undefined && !(Number.isInteger(replicas) && replicas >= 1))
    throw new RangeError(`replicas: expected --replicas with a whole number above 0, got ${replicas}`)
  if (cluster === undefined) {
    if (replica !== undefined) throw new RangeError('replicas: expected --replica with --cluster, got it alone')
    return replicas === undefined || replicas === 1 ? undefined : { startHere: replicas }
  }
  const addresses = addressesOf(cluster, environment)
  const index = replica ?? indexOf(environment)
  if (!(Number.isInteger(index) && index >= 0 && index < addresses.length))
    throw new RangeError(`replicas: expected a replica from 0 to ${addresses.length - 1}, got ${index}`)
  if (replicas !== undefined && replicas !== addresses.length)
    throw new RangeError(`replicas: expected ${replicas} addresses for --replicas, got ${addresses.length}`)
  return addresses.length === 1 ? undefined : { addresses, index }
}

function addressesOf(cluster: string, environment: Environment): readonly string[] {
  if (cluster === 'slurm') return slurmAddresses(environment)
  if (cluster === 'torchrun') return torchrunAddresses(environment)
  return cluster.split(',').map((each) => each.trim())
}

function indexOf(environment: Environment): number {
  const name = INDICES.find((each) => environment[each] !== undefined)
  if (name === undefined)
    throw new RangeError(`replicas: expected --replica, or one of the variables ${INDICES.join(', ')}, got none`)
  return numberOf(environment, name)
}

/** Processes of one machine: others' addresses are not among torchrun's variables. */
function torchrunAddresses(environment: Environment): readonly string[] {
  const [count, here] = [numberOf(environment, 'WORLD_SIZE'), numberOf(environment, 'LOCAL_WORLD_SIZE')]
  if (count !== here)
    throw new RangeError(
      `replicas: expected all ${count} processes on one machine for --cluster torchrun, got ${here} here; name all addresses with --cluster`,
    )
  const port = numberOf(environment, 'MASTER_PORT')
  return Array.from({ length: count }, (_, i) => `127.0.0.1:${port + 1 + i}`)
}
