import { fairseqStrategies, loadFairseq } from '@alibi/fairseq'
import { readFairseqWords } from '../data/tokenizer/fairseq.js'
import type { OpenedCheckpoint, OpenOptions } from './opened.js'

/**
 * A file of fairseq.
 *
 * @throws Error, one line, for a file of another kind, or one whose words are not there
 */
export async function openFairseq(
  path: string,
  log: (line: string) => void,
  { strategy, vocabulary }: OpenOptions,
): Promise<OpenedCheckpoint> {
  const asked = fairseqStrategies.find((name) => name === strategy)
  if (strategy !== undefined && !asked)
    throw new Error(
      `checkpoint: expected --strategy ${fairseqStrategies.join(', ')} for a file of fairseq, got ${strategy} (--positions puts others in its place)`,
    )
  const { model, trainLength, unread } = await loadFairseq(path, { strategy: asked })
  if (unread.length) log(`checkpoint: left unread in ${path}: ${unread.slice(0, 10).join(', ')}`)
  const tokenizer = await readFairseqWords(path, vocabulary, model.config.vocabularySize, { log })
  const { name } = model.strategy
  const variant = name === 'sinusoidal' ? { use: name, options: { layout: 'fairseq' } } : undefined
  const origin = { strategy: name, trainLength, ...(variant && { variant }) }
  return {
    writer: 'fairseq',
    ...{ model, tokenizer, strategy: name, kind: name, trainLength, architecture: 'fairseq', origin },
    ...{ seed: 0, data: 'wikitext-103', firstToken: 'eos' },
  }
}
