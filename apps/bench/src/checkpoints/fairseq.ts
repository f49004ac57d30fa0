import { type FairseqStrategy, fairseqStrategies, loadFairseq } from '@alibi/fairseq'
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
  const asked = fairseqStrategyOf(strategy)
  const { model, trainLength, training, unread } = await loadFairseq(path, { strategy: asked })
  if (unread.length) log(`checkpoint: left unread in ${path}: ${unread.slice(0, 10).join(', ')}`)
  const tokenizer = await readFairseqWords(path, vocabulary, model.config.vocabularySize, { log })
  const { name } = model.strategy
  const variant = name === 'sinusoidal' ? { use: name, options: { layout: 'fairseq' } } : undefined
  const origin = { strategy: name, trainLength, ...(variant && { variant }) }
  return {
    writer: 'fairseq',
    ...{ model, tokenizer, strategy: name, kind: name, trainLength, architecture: 'fairseq', origin },
    ...{ seed: 0, data: 'wikitext-103', firstToken: 'eos', training },
  }
}

/**
 * The strategy that somebody names for a file of fairseq, which may not say it.
 *
 * @throws Error, one line, for one that fairseq does not have
 */
export function fairseqStrategyOf(name: string | undefined): FairseqStrategy | undefined {
  const asked = fairseqStrategies.find((each) => each === name)
  if (name !== undefined && !asked)
    throw new Error(
      `checkpoint: expected --strategy ${fairseqStrategies.join(', ')} for a file of fairseq, got ${name} (--positions puts others in its place)`,
    )
  return asked
}
