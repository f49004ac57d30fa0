import { fileURLToPath } from 'node:url'
import type { Absent, Contestant, Size } from './contestant.js'
import { inProcess } from './process.js'

const script = fileURLToPath(new URL('./plain-node-process.js', import.meta.url))

/** The idiomatic step as `node` alone runs it: without this project's settings of the allocator and of oneDNN. */
export function plainNode(size: Size): Promise<Contestant | Absent> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MALLOC_'))
  return inProcess({
    name: 'tfjs-node, idiomatic, plain node',
    command: process.execPath,
    args: [script, JSON.stringify(size)],
    env: { ...Object.fromEntries(inherited), TF_ENABLE_ONEDNN_OPTS: '0' },
    reason: 'tfjs-node does not run in another process',
  })
}
