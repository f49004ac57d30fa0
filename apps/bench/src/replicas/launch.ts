// Replicas of this machine: this process leads, and starts the others.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { inspectCuda, ReplicaLostError } from '@alibi/backend'
import type { Place } from './cluster.js'

/** Replicas that are to be started here. */
export interface Launch extends Place {
  /**
   * Starts all but this process.
   *
   * @returns aborted when one of them ends
   */
  start(): AbortSignal
}

/**
 * Prepares replicas on this machine, this process being the first: each has its share of the processor's threads, or a GPU of its
 * own. Call it before TensorFlow is loaded.
 *
 * @throws RangeError, one line, for more replicas than GPUs, where there are any
 */
export async function prepareLaunch(count: number): Promise<Launch> {
  const gpus = visibleGpus()
  if (gpus.length && gpus.length < count)
    throw new RangeError(
      `replicas: expected at most ${gpus.length} on this machine, a GPU each, got ${count}; CUDA_VISIBLE_DEVICES=-1 takes the processor`,
    )
  const addresses = (await freePorts(count)).map((port) => `127.0.0.1:${port}`)
  const threads = String(Math.max(1, Math.floor(availableParallelism() / count)))
  const share = (index: number) => ({
    TF_NUM_INTRAOP_THREADS: process.env.TF_NUM_INTRAOP_THREADS ?? threads,
    ...(gpus.length && { CUDA_VISIBLE_DEVICES: gpus[index]! }),
  })
  const others = Array.from({ length: count - 1 }, (_, i) => ({
    index: i + 1,
    env: { ...process.env, ...share(i + 1) },
  }))
  Object.assign(process.env, share(0))
  return {
    addresses,
    index: 0,
    start() {
      const controller = new AbortController()
      for (const { index, env } of others) {
        // With this process's own command line: the last of an option's values counts.
        const words = [...process.argv.slice(1), '--cluster', addresses.join(), '--replica', String(index)]
        const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
        const child = spawn(process.execPath, [...process.execArgv, ...words], { stdio: [...stdio], env })
        child.on('error', (error) => controller.abort(error))
        child.on('exit', (code, killedBy) =>
          controller.abort(new ReplicaLostError(index, `it ended by ${killedBy ?? `exit code ${code}`}`)),
        )
      }
      return controller.signal
    },
  }
}

/** In a process that was started by another replica: ends it with that one, which may be gone already. */
export function endWithLeader(): void {
  if (!process.send) return
  process.once('disconnect', () => process.exit(1))
  if (!process.connected) process.exit(1)
}

/** The GPUs that TensorFlow would see, as CUDA_VISIBLE_DEVICES names them. */
function visibleGpus(): readonly string[] {
  const { build, gpus } = inspectCuda()
  if (!build) return []
  const named = process.env.CUDA_VISIBLE_DEVICES?.split(',')
  return (named ?? gpus.map(({ index }) => String(index))).filter((each) => each !== '' && each !== '-1')
}

/** Ports of loopback that nobody listens on. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  const ports = await Promise.all(
    servers.map(async (server) => {
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    }),
  )
  for (const server of servers) server.close()
  return ports
}
