// Started by plain-node.ts.
import { createInterface } from 'node:readline'
import { selectBackend } from '@alibi/backend'
import { idiomatic } from './idiomatic.js'

await selectBackend('tensorflow')
const contestant = idiomatic(JSON.parse(process.argv[2]!))
console.log('ready')
for await (const line of createInterface({ input: process.stdin })) console.log(await contestant.run(Number(line)))
