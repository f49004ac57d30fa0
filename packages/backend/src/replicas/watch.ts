import { Worker } from 'node:worker_threads'
import { ReplicaLostError } from './lost.js'

/** What the thread is given. */
export interface Watched {
  readonly addresses: readonly string[]
  /** Which of them watches. */
  readonly index: number
}

interface WatchOptions extends Watched {
  readonly onLost: (error: Error) => void
}

/**
 * Looks every few seconds whether the others are there, in a thread of its own, as this one may be waiting for them within
 * TensorFlow: most ends of a process reach it there at once, but not a machine that is switched off or a cable that is pulled. Says
 * so to this thread, which then stops the work; one that waits is ended, with a line, as nothing else ends its wait.
 */
export function watchPeers({ addresses, index, onLost }: WatchOptions): { stop(): void } {
  const workerData: Watched = { addresses, index }
  const worker = new Worker(new URL('./watching.js', import.meta.url), { workerData })
  worker.unref()
  const stop = () => void worker.terminate()
  worker.on('message', (replica: number) => {
    stop()
    onLost(new ReplicaLostError(replica, 'its address does not answer'))
  })
  return { stop }
}
