// Started by plain-node.ts.
import { selectBackend } from '@alibi/backend'
import { idiomatic } from './idiomatic.js'
import { serve } from './process.js'

await selectBackend('tensorflow')
await serve(idiomatic(JSON.parse(process.argv[2]!)))
