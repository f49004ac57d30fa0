// Started by ours.ts.
import { selectBackend } from '@alibi/backend'
import { ours } from './ours.js'
import { serve } from './process.js'
import { makeStart } from './start.js'

await selectBackend('tensorflow')
const start = await makeStart(JSON.parse(process.argv[2]!))
const contestant = await ours(start, 'alibi', () => {})
start.dispose()
await serve(contestant)
