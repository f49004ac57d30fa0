import { resolve } from 'node:path'
import { Command } from 'commander'
import { expectPlain, pathKind } from '../files/paths.js'
import { interruptSignal } from '../terminal/interrupt.js'
import { serveWatch } from '../watch/server.js'
import { number } from './options.js'

export function watchCommand(): Command {
  return new Command('watch')
    .description('Serve a page with live curves of a run or a sweep, to this machine alone, until Ctrl-C.')
    .argument('<folder>', 'that a run or a sweep writes its results to, now or later')
    .option('--port <n>', 'of the page (default: a free one)', number)
    .action(watch)
}

async function watch(given: string, { port = 0 }: { readonly port?: number }): Promise<void> {
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`watch: expected a port from 1 to 65535, got ${port}`)
  if ((await pathKind('watch', given)) === 'file')
    throw new Error(`watch: expected the folder of a run or a sweep, got ${given}, which is a file`)
  await expectPlain('watch', given)
  const folder = resolve(given)
  await serveWatch(folder, port, {
    onListening: (url) => console.log(`${url} shows ${folder}; Ctrl-C ends it`),
    signal: interruptSignal(),
  })
}
