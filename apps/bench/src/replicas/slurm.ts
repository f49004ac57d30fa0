import { type Environment, numberOf } from './environment.js'

/** Ports that jobs of one node do not share, as their numbers differ. */
const FIRST_PORT = 20_000
const PORTS = 8000

/**
 * An address for each task of a Slurm step, in the order of its block distribution (the default): all of the first node, then all
 * of the second.
 *
 * @throws RangeError, one line, for variables that are missing or cannot be read
 */
export function slurmAddresses(environment: Environment): readonly string[] {
  const nodes = expandNodes(listOf(environment, 'SLURM_STEP_NODELIST'))
  const tasks = expandTasks(listOf(environment, 'SLURM_STEP_TASKS_PER_NODE'))
  const port = FIRST_PORT + (numberOf(environment, 'SLURM_JOB_ID') % PORTS)
  if (nodes.length !== tasks.length)
    throw new RangeError(`replicas: expected tasks for ${nodes.length} nodes of Slurm, got ${tasks.length}`)
  return nodes.flatMap((node, i) => Array.from({ length: tasks[i]! }, (_, task) => `${node}:${port + task}`))
}

function listOf(environment: Environment, name: string): string {
  const list = environment[name]
  if (!list)
    throw new RangeError(
      `replicas: expected the variable ${name}, which srun sets, got none; start the replicas with srun`,
    )
  return list
}

/** e.g. `a[01-03,7],b` is a01, a02, a03, a7 and b. */
function expandNodes(list: string): string[] {
  const parts = list.match(/[^,[\]]*(\[[^\]]*\][^,[\]]*)*/g)!.filter(Boolean)
  return parts.flatMap((part) => expandBrackets(part))
}

function expandBrackets(part: string): string[] {
  const [, before, inside, after] = /^([^[]*)\[([^\]]*)\](.*)$/.exec(part) ?? []
  if (inside === undefined) return [part]
  const middles = inside.split(',').flatMap((range) => {
    const [from = '', to = from] = range.split('-')
    const count = Number(to) - Number(from) + 1
    if (!(count > 0)) throw new RangeError(`replicas: expected a list of Slurm's nodes, got ${part}`)
    return Array.from({ length: count }, (_, i) => String(Number(from) + i).padStart(from.length, '0'))
  })
  return expandBrackets(after!)
    .flatMap((end) => middles.map((middle) => [middle, end] as const))
    .map(([middle, end]) => `${before}${middle}${end}`)
}

/** e.g. `2(x3),1` is 2, 2, 2 and 1. */
function expandTasks(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [, tasks, nodes = '1'] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? []
    if (tasks === undefined) throw new RangeError(`replicas: expected tasks a node as Slurm lists them, got ${list}`)
    return Array.from({ length: Number(nodes) }, () => Number(tasks))
  })
}
