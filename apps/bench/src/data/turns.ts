import { setImmediate } from 'node:timers/promises'
import { thousands } from '../terminal/format.js'
import type { ReadOptions } from './split-text.js'
import type { Piece } from './text-stream.js'

const SAY_EVERY_MS = 5000

/**
 * The pieces of a text, to work on one after another: says how far they are, and stops between them when it is aborted.
 *
 * @param what - is being done
 * @param bytes - of the text, where that is known
 */
export async function* inTurns(
  pieces: AsyncIterable<Piece>,
  what: string,
  bytes: number | undefined,
  { log, signal }: ReadOptions,
): AsyncGenerator<Piece> {
  let [said, done] = [Date.now(), 0]
  for await (const piece of pieces) {
    yield piece
    done += piece.text.length
    // Each piece is worked on at once: without a turn of its own Ctrl-C would wait for the last.
    await setImmediate()
    signal?.throwIfAborted()
    if (Date.now() - said < SAY_EVERY_MS) continue
    said = Date.now()
    log(`${what}: ${thousands(done / 1e6)}${bytes === undefined ? '' : ` of ${thousands(Math.ceil(bytes / 1e6))}`} MB`)
  }
}
