// Letters: L trainLength. fairseq/data/token_block_dataset.py, monolingual_dataset.py and iterators.py.
import { checkInteger, fail } from '@alibi/core'
import { isTokenText, type TokenText } from '@alibi/transformer'
import { numpyRandom } from './mersenne-twister.js'

/** What {@link fairseqBatches} takes besides a text. */
export interface FairseqBatchOptions {
  /** L, tokens of a block: `--tokens-per-sample`. */
  readonly trainLength: number
  /** Blocks of a step on all devices. */
  readonly batchSize: number
  /** GPUs, whose batches are shuffled as a whole; they divide batchSize. Default 1. */
  readonly devices?: number
  /** fairseq's `--seed`, from 0. */
  readonly seed: number
  /** Read before the first block: the end of a line. */
  readonly endOfLine: number
}

/**
 * fairseq's batches of a text (`--sample-break-mode none`), in its order: blocks of L tokens, grouped once and shuffled anew in
 * each epoch. The last block is shorter, and so is an epoch's last step.
 *
 * @param tokens - of the text, each line with its end
 * @returns the rows of a step, from 0: a block of up to L tokens after the token before it, which is read and not predicted
 * @throws RangeError or TypeError, one line, for sizes that make no batches
 */
export function fairseqBatches(tokens: TokenText, options: FairseqBatchOptions): (step: number) => Int32Array[] {
  const where = 'fairseqBatches'
  if (!isTokenText(tokens)) fail(where, 'tokens as an Int32Array, or with a length and a subarray', tokens, TypeError)
  const { trainLength: L, batchSize, devices = 1, seed, endOfLine } = options
  for (const [name, value] of Object.entries({ trainLength: L, batchSize, devices }))
    checkInteger(where, name, value, 1)
  checkInteger(where, 'seed', seed, 0)
  if (batchSize % devices) fail(where, `devices that divide the batch of ${batchSize}`, devices)
  if (!tokens.length) fail(where, 'at least one token', 0)
  const rowsOfDevice = batchSize / devices
  const batches = groupsOf(orderOfBlocks(Math.ceil(tokens.length / L), tokens.length % L > 0, seed), rowsOfDevice)
  const stepsOfEpoch = Math.ceil(batches.length / devices)
  const first = Int32Array.of(endOfLine, ...tokens.subarray(0, L))

  let shuffled: { readonly epoch: number; readonly order: Int32Array } | undefined
  function orderOf(epoch: number): Int32Array {
    if (shuffled?.epoch !== epoch) {
      const order = Int32Array.from(batches.keys())
      numpyRandom(seed + epoch).shuffle(order)
      shuffled = { epoch, order }
    }
    return shuffled.order
  }
  return (step) => {
    checkInteger(where, 'step', step, 0)
    // fairseq counts epochs from 1.
    const order = orderOf(1 + Math.floor(step / stepsOfEpoch))
    const from = (step % stepsOfEpoch) * devices
    return [...order.subarray(from, from + devices)].flatMap((batch) =>
      Array.from(batches[batch]!, (block) =>
        block ? tokens.subarray(block * L - 1, Math.min((block + 1) * L, tokens.length)) : first,
      ),
    )
  }
}

/** A permutation of the blocks, by their lengths first: one that is shorter than the others leads. */
function orderOfBlocks(count: number, lastIsShorter: boolean, seed: number): Int32Array {
  const ranks = Int32Array.from({ length: count }, (_, i) => i)
  numpyRandom(seed).shuffle(ranks)
  const byRank = new Int32Array(count)
  ranks.forEach((rank, block) => {
    byRank[rank] = block
  })
  if (!lastIsShorter) return byRank
  const order = new Int32Array(count)
  order[0] = count - 1
  order.set(
    byRank.filter((block) => block !== count - 1),
    1,
  )
  return order
}

const groupsOf = (list: Int32Array, size: number): Int32Array[] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.subarray(i * size, (i + 1) * size))
