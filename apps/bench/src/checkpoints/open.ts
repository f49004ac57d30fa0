import { openBench } from './bench.js'
import { openFairseq } from './fairseq.js'
import { openHuggingFace } from './hugging-face.js'
import type { OpenedCheckpoint, OpenOptions } from './opened.js'
import { writerAt } from './place.js'
import { loadPositions, withPositions } from './positions.js'

/**
 * A checkpoint that the bench wrote, a folder of Hugging Face transformers, or a file of fairseq.
 *
 * @throws Error, one line, for a folder that is neither, whose strategy or tokenizer cannot be loaded, or that cannot have the
 * positions that were asked for
 */
export async function openCheckpoint(
  folder: string,
  log: (line: string) => void,
  options: OpenOptions = {},
): Promise<OpenedCheckpoint> {
  // Before anything large is read, so that a wrong name is reported at once.
  const positions = options.positions === undefined ? undefined : await loadPositions(options.positions)
  const opened = await openAsItIs(folder, log, options)
  return positions ? withPositions(opened, positions, { ...options, folder, log }) : opened
}

async function openAsItIs(
  folder: string,
  log: (line: string) => void,
  { strategy: at, vocabulary }: OpenOptions,
): Promise<OpenedCheckpoint> {
  const writer = await writerAt('checkpoint', folder, 'the folder of a checkpoint, or a file of fairseq')
  if (writer === 'fairseq') return openFairseq(folder, log, { strategy: at, vocabulary })
  if (vocabulary !== undefined)
    throw new Error(`checkpoint: expected no --vocabulary for ${folder}, got ${vocabulary}; it has its words`)
  return writer === 'transformers' ? openHuggingFace(folder, log, at) : openBench(folder, log, at)
}
