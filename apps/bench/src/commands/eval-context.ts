import { type ContextLine, lineText } from '@alibi/results'
import type { OpenedCheckpoint } from '../checkpoints/opened.js'
import { locatePieces } from '../data/encoded-pieces.js'
import { openText } from '../data/open-text.js'
import { tokenOf } from '../data/tokenizer/first-token.js'
import { ablateContext } from '../experiment/context-ablation.js'
import type { Progress } from '../terminal/progress.js'
import { table } from '../terminal/table.js'
import type { TextRequest } from './eval-text.js'

/** Of a large text. */
const MOST_TOKENS = 2 ** 24
/** Scored tokens of each length, where nothing else is asked for. */
const SCORED_TOKENS = 4096

/** Prints a line of JSON for each length; on stderr, how much each distance helps. */
export async function evaluateContext(
  { model, tokenizer, trainedWith, data }: OpenedCheckpoint,
  { cell, evalLengths, firstToken: mark, evalTokens = SCORED_TOKENS, ...options }: TextRequest,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<ContextLine[]> {
  const read = { trainLength: cell.trainLength, log: progress.line, signal }
  const text = await openText(options.data ?? data, { ...read, whole: options.whole })
  progress.line(`text ${text.description}`)
  const { tokens } = await locatePieces(text.valid(), tokenizer, {}, MOST_TOKENS)
  const token = tokenOf(mark, tokenizer)
  const lines: ContextLine[] = []
  for (const evalLength of evalLengths) {
    const first = { mark, token }
    const request = { cell, tokens, evalLength, maxTokens: evalTokens, first, trainedWith }
    const line = await ablateContext(model, request, { progress, signal })
    progress.stop()
    console.log(lineText(line))
    for (const row of tableOf(line)) progress.line(row)
    lines.push(line)
  }
  return lines
}

/** What each distance is worth: the loss with all beyond it left out, and what the tokens up to the next one save. */
function tableOf({ evalLength, scored, lossNats, kept }: ContextLine): string[] {
  const nats = (value: number) => value.toFixed(4)
  const all = [
    ...kept.map(({ tokens, removedNats }) => ({ tokens, loss: removedNats })),
    { tokens: evalLength - scored, loss: lossNats },
  ]
  return table([
    ['tokens kept', 'others removed', 'others shuffled', 'saved by the last of them'],
    ...all.map(({ tokens, loss }, i) => [
      `${tokens}`,
      nats(loss),
      kept[i] ? nats(kept[i].shuffledNats) : nats(lossNats),
      i ? nats(all[i - 1]!.loss - loss) : '—',
    ]),
  ])
}
