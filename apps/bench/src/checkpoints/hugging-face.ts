import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadHuggingFace, readHuggingFaceInfo } from '@alibi/huggingface'
import { readTokenizer } from '../data/tokenizer/hugging-face.js'
import type { OpenedCheckpoint } from './opened.js'

/**
 * A folder of Hugging Face transformers.
 *
 * @param at - what somebody said of its strategy, which it says itself
 * @throws Error, one line, for a folder that cannot be computed exactly, or has no tokenizer
 */
export async function openHuggingFace(
  folder: string,
  log: (line: string) => void,
  at: string | undefined,
): Promise<OpenedCheckpoint> {
  refuseStrategyOf(folder, at)
  // What cannot be computed is said before anything else of the folder is asked for.
  await readHuggingFaceInfo(folder)
  const tokenizer = await readTokenizer(folder)
  const { model, family, trainLength, notes } = await loadHuggingFace(folder)
  for (const note of notes) log(note)
  const { name } = model.strategy
  const transformers = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))
  return {
    writer: 'transformers',
    ...{ model, tokenizer, strategy: name, kind: name, trainLength, architecture: family, origin: { transformers } },
    ...{ seed: 0, data: 'typescript', firstToken: 'none' },
  }
}

/** @throws Error, one line, if somebody names the strategy of a folder of transformers, which says it itself */
export function refuseStrategyOf(folder: string, at: string | undefined): void {
  if (at !== undefined)
    throw new Error(
      `checkpoint: expected no --strategy for ${folder}, got ${at}; its config.json says it (--positions puts others in its place)`,
    )
}
