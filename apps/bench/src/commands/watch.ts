import { resolve } from 'node:path'
import { Command } from 'commander'
import { expectPlain, pathKind } from '../files/paths.js'
import { interruptSignal } from '../terminal/interrupt.js'
import { serveWatch } from '../watch/server.js'
import type { Watchable } from '../watch/watchable.js'
import { watchableFolder } from '../watch/watchable-folder.js'
import { number, queueOption } from './options.js'

export function watchCommand(): Command {
  return new Command('watch')
    .description(
      'Serve a page with live curves of a run or a sweep, or with the workers and cells of a queue, to this machine alone, until Ctrl-C.',
    )
    .argument('[folder]', 'that a run or a sweep writes its results to, now or later')
    .option('--port <n>', 'of the page (default: a free one)', number)
    .addOption(queueOption('it is shown'))
    .action(watch)
}

interface Options {
  readonly port?: number
  readonly queue?: string | true
}

async function watch(folder: string | undefined, { port = 0, queue }: Options): Promise<void> {
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`watch: expected a port from 1 to 65535, got ${port}`)
  if ((folder === undefined) === (queue === undefined))
    throw new Error(`watch: expected a folder or --queue, got ${queue === undefined ? 'neither' : 'both'}`)
  if (queue !== undefined) return watchQueue(queue, port)
  if ((await pathKind('watch', folder!)) === 'file')
    throw new Error(`watch: expected the folder of a run or a sweep, got ${folder}, which is a file`)
  await expectPlain('watch', folder!)
  await serve(watchableFolder(resolve(folder!)), port)
}

const serve = <W>(watchable: Watchable<W>, port: number) =>
  serveWatch(watchable, port, {
    onListening: (url) => console.log(`${url} shows ${watchable.name}; Ctrl-C ends it`),
    signal: interruptSignal(),
  })

/** What a queue needs is loaded only then. */
async function watchQueue(queue: string | true, port: number): Promise<void> {
  const { queueAddress } = await import('../queue/address.js')
  const { connectQueue, leaveQueue } = await import('../queue/connection.js')
  const { watchableQueue } = await import('../queue/watched.js')
  const address = queueAddress(queue)
  const connection = await connectQueue(address, console.error)
  try {
    await serve(watchableQueue(connection, address.shown), port)
  } finally {
    leaveQueue(connection)
  }
}
