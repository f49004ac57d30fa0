import { type CellKey, type EvalLine, lineText, makeReading, type PositionsLine } from '@alibi/results'
import type { Model } from '@alibi/transformer'
import type { OpenedCheckpoint } from '../checkpoints/opened.js'
import { checkLengths } from '../data/corpus.js'
import { readWhole } from '../data/files.js'
import { readSource, type SourceOptions, sourceNamed } from '../data/sources.js'
import type { SplitText } from '../data/split-text.js'
import { type FirstToken, withFirst } from '../data/tokenizer/first-token.js'
import { evaluateModel } from '../experiment/evaluate.js'
import type { PlannedReading } from '../experiment/readings.js'
import type { Progress } from '../terminal/progress.js'

/** How held-out text is to be read. */
export interface TextRequest {
  readonly cell: CellKey
  readonly evalLengths: readonly number[]
  readonly firstToken: FirstToken
  readonly evalTokens?: number
  readonly protocol: PlannedReading['protocol']
  readonly stride?: number
  readonly windows: 'full' | 'fairseq'
  readonly attentionWindow?: number
  readonly byPosition?: boolean
  readonly data?: string
  readonly whole?: boolean
}

/**
 * Prints a line of JSON for each length, and with `byPosition` another.
 *
 * @param folder - of the checkpoint, for messages
 */
export async function evaluateText(
  folder: string,
  checkpoint: OpenedCheckpoint,
  { cell, evalLengths: lengths, firstToken: mark, ...options }: TextRequest,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<(EvalLine | PositionsLine)[]> {
  const { model, tokenizer, trainedWith, randomPositions } = checkpoint
  const { protocol, stride, windows, attentionWindow } = options
  if (mark === 'bos' && protocol === 'streaming')
    throw new Error(
      'eval: expected --protocol nonoverlapping or sliding with first token bos, which begins every window, got streaming; add --first-token none',
    )
  const text = await readText(options.data ?? checkpoint.data, options.whole ?? false, {
    trainLength: cell.trainLength,
    log: progress.line,
    signal,
  })
  progress.line(`text ${text.description}`)
  const held = withFirst(tokenizer.locate(text.valid), tokenizer, mark)
  if (mark !== 'none')
    progress.line(`reads ${mark} before ${mark === 'bos' ? 'each window' : 'the text'}, and scores all of its tokens`)
  const maxTokens = options.evalTokens ?? (options.whole ? held.tokens.length : 65_536)
  checkLengths({ train: held.tokens, valid: held, tokenizer }, 1, lengths)
  const all: (EvalLine | PositionsLine)[] = []
  for (const evalLength of lengths) {
    const reading = makeReading(evalLength, protocol, stride, attentionWindow)
    const request = { cell, reading, windows, firstToken: mark, maxTokens, randomPositions, trainedWith }
    const { whole, positions } = await evaluateModel(model, held, request, { progress, signal })
    progress.stop()
    const lines = options.byPosition ? [whole, positions] : [whole]
    for (const line of lines) console.log(lineText(line))
    all.push(...lines)
    if (!Number.isFinite(whole.lossNats)) throw await notFinite(model, folder, whole)
  }
  return all
}

/**
 * Held-out text, or all of a file or folder.
 *
 * @throws Error, one line, for a text that is missing, and one with a name that is asked for as a whole
 */
export async function readText(
  data: string,
  whole: boolean,
  options: SourceOptions,
): Promise<Pick<SplitText, 'valid' | 'description'>> {
  if (!whole) return readSource(data, options)
  if (sourceNamed(data))
    throw new Error(
      `eval: expected --data with a file or folder for --whole, got ${data}, which has a held-out part; leave --whole out`,
    )
  return { valid: await readWhole(data, options), description: `${data}, all of it` }
}

/** Why a loss is not finite, as far as the weights say it. */
async function notFinite({ parameters }: Model, folder: string, { lossNats, evalLength }: EvalLine): Promise<Error> {
  const names: string[] = []
  for (const [name, values] of parameters) if (!(await values.data()).every(Number.isFinite)) names.push(name)
  const some = names.slice(0, 3).join(', ')
  const cause = names.length
    ? `weights of ${folder} are not finite: ${some}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`
    : 'its weights are finite, so activations or scores overflow'
  return new Error(`eval: expected a finite loss, got ${lossNats} at ${evalLength}; ${cause}`)
}
