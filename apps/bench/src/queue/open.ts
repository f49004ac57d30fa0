import { describeCell } from '@alibi/results'
import type { SweepCell } from '../sweep/cells.js'
import type { CellsDoer } from '../sweep/cells-doer.js'
import type { Sweep } from '../sweep/sweep.js'
import { queueAddress } from './address.js'
import { connectQueue, leaveQueue } from './connection.js'
import { queueDoer } from './enqueue.js'
import { removeLeftovers } from './leftovers.js'
import { openStore } from './open-store.js'
import type { Store } from './store.js'
import { sweepId } from './sweep-id.js'
import { hasFiles, storeText } from './texts.js'
import { storeTokenizer } from './tokenizers.js'

interface QueueOptions {
  /** Its address; true: the environment has it. */
  readonly queue: string | true
  /** The folder or bucket that all machines see, if there is one. */
  readonly store: string | undefined
  readonly priority: number | undefined
  readonly line: (text: string) => void
  readonly signal: AbortSignal
}

/** A queue that was joined. Close it in the end: cells that are not done stay in it. */
export interface JoinedQueue {
  /**
   * Who does the cells of a sweep.
   *
   * @throws Error, one line, for cells that need a store
   */
  doerFor(sweep: Sweep): Promise<CellsDoer>
  close(): Promise<void>
}

/** @throws Error, one line, for an address that is none, or a queue that is not there */
export async function joinQueue({ queue, store: where, priority, line, signal }: QueueOptions): Promise<JoinedQueue> {
  const address = queueAddress(queue)
  const store = where === undefined ? undefined : await openStore(where)
  const connection = await connectQueue(address, line)
  let close = async () => leaveQueue(connection)
  return {
    async doerFor({ folder, cells, backend }) {
      const further = cells.find(({ source }) => source)
      if (further && !store)
        throw new Error(
          `sweep: expected --store with ${describeCell(further.key)}, which goes on from another cell’s checkpoint, got none`,
        )
      const files = store ? await storeInputs(store, cells) : new Map<string, string>()
      const id = await sweepId(folder)
      await removeLeftovers(connection, id, { folder, cells, backend })
      const doer = queueDoer({
        ...{ sweep: id, folder, backend, connection, priority, line, signal },
        filesOf: ({ config }) => files.get(config.data),
      })
      close = doer.close
      return doer
    },
    close: () => close(),
  }
}

/** Puts the texts and tokenizers of cells into the store. Returns what the texts are found by there. */
async function storeInputs(store: Store, cells: readonly SweepCell[]): Promise<ReadonlyMap<string, string>> {
  const texts = [...new Set(cells.map(({ config }) => config.data))].filter(hasFiles)
  const files = new Map<string, string>()
  for (const data of texts) files.set(data, await storeText(store, data))
  const tokenizers = new Map(cells.map(({ config: { tokenizerFile } }) => [tokenizerFile?.sha256, tokenizerFile]))
  for (const file of tokenizers.values()) if (file) await storeTokenizer(store, file)
  return files
}
