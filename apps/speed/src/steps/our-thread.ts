// The thread of our-threads.ts.
import { workerData } from 'node:worker_threads'
import { joinThreads, selectBackend } from '@alibi/backend'
import { order, type ThreadData } from './our-threads.js'
import { ours } from './ours.js'
import { makeStart } from './start.js'

const { room, index, size } = workerData as ThreadData
const replicas = joinThreads({ room, index })
try {
  await selectBackend('wasm')
  const start = await makeStart(size)
  start.dispose()
  const own = await ours(start, 'alibi', () => {}, replicas)
  for (let steps = order(replicas); steps; steps = order(replicas)) await own.run(steps)
} catch (error) {
  replicas.fail()
  throw error
}
