// The thread of watch.ts.
import { writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { parseAddress, reaches } from './address.js'
import { ReplicaLostError } from './lost.js'
import type { Watched } from './watch.js'

const EVERY_MS = 3000
/** Looks without an answer before a replica is taken for gone: with those of 5 s, at most 24 s. */
const MISSES = 3
/** For the other thread to stop by itself. */
const GRACE_MS = 4000

const { addresses, index } = workerData as Watched
// The leader looks after all, and all after the leader.
const watched = addresses
  .map((address, i) => ({ i, at: parseAddress(address), missed: 0 }))
  .filter(({ i }) => (index === 0 ? i !== 0 : i === 0))

for (;;) {
  await setTimeout(EVERY_MS)
  await Promise.all(
    watched.map(async (peer) => {
      peer.missed = (await reaches(peer.at)) ? 0 : peer.missed + 1
    }),
  )
  const gone = watched.find(({ missed }) => missed >= MISSES)
  if (!gone) continue
  parentPort!.postMessage(gone.i)
  await setTimeout(GRACE_MS)
  writeSync(2, `${new ReplicaLostError(gone.i, 'its address does not answer').message}\n`)
  process.kill(process.pid, 'SIGKILL')
}
