import { type CellKey, type EvalLine, lineText, makeReading, type PositionsLine } from '@alibi/results'
import type { Model } from '@alibi/transformer'
import type { OpenedCheckpoint } from '../checkpoints/opened.js'
import { checkLengths } from '../data/corpus.js'
import { locatePieces } from '../data/encoded-pieces.js'
import { tellingMarks } from '../data/marks-in-text.js'
import { openText } from '../data/open-text.js'
import { documentMarks, packingMark } from '../data/tokenizer/document-marks.js'
import { type FirstToken, withFirst } from '../data/tokenizer/first-token.js'
import { evaluateModel } from '../experiment/evaluate.js'
import { evaluateDocuments } from '../experiment/evaluate-documents.js'
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
  /** Default: as the model was trained. */
  readonly pack?: boolean
}

/** Scored of each length, where nothing else is asked for. */
const SCORED_TOKENS = 65_536

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
  const { whole, evalTokens, pack = checkpoint.pack ?? false } = options
  const documentMark = pack ? packingMark(tokenizer) : undefined
  if (pack) expectPackable({ ...options, firstToken: mark, randomPositions })
  const read = { trainLength: cell.trainLength, log: progress.line, signal }
  const text = await openText(options.data ?? checkpoint.data, { ...read, whole, pack })
  progress.line(`text ${text.description}`)
  const enough = evalTokens === undefined && whole ? Infinity : Math.max(evalTokens ?? SCORED_TOKENS, ...lengths) + 1
  const located = await locatePieces(
    tellingMarks(text.valid(), tokenizer, progress.line),
    tokenizer,
    text.hasDocuments ? documentMarks(tokenizer, pack) : {},
    enough,
  )
  const held = withFirst(located, tokenizer, mark)
  if (mark !== 'none')
    progress.line(`reads ${mark} before ${mark === 'bos' ? 'each window' : 'the text'}, and scores all of its tokens`)
  const maxTokens = evalTokens ?? (whole ? held.tokens.length : SCORED_TOKENS)
  checkLengths(
    { train: held.tokens, valid: held, tokenizer, ...(documentMark !== undefined && { documentMark }) },
    1,
    lengths,
  )
  const all: (EvalLine | PositionsLine)[] = []
  for (const evalLength of lengths) {
    const reading = makeReading(evalLength, protocol, stride, attentionWindow)
    const request = { cell, reading, windows, firstToken: mark, maxTokens, randomPositions, trainedWith }
    const { whole, positions } = await (documentMark === undefined
      ? evaluateModel(model, held, request, { progress, signal })
      : evaluateDocuments(model, held, { ...request, documentMark }, { progress, signal }))
    progress.stop()
    const lines = options.byPosition ? [whole, positions] : [whole]
    for (const line of lines) console.log(lineText(line))
    all.push(...lines)
    if (!Number.isFinite(whole.lossNats)) throw await notFinite(model, folder, whole)
  }
  return all
}

/** Documents are read by themselves, each from its start. */
function expectPackable({
  protocol,
  attentionWindow,
  firstToken,
  randomPositions,
}: Pick<TextRequest, 'protocol' | 'attentionWindow' | 'firstToken'> & {
  readonly randomPositions: number | undefined
}) {
  const strange = [
    protocol !== 'nonoverlapping' && `--protocol ${protocol}`,
    attentionWindow !== undefined && `--attention-window ${attentionWindow}`,
    firstToken !== 'none' && `--first-token ${firstToken}`,
    randomPositions !== undefined && 'random positions',
  ].find(Boolean)
  if (strange) throw new Error(`eval: expected --pack without ${strange}, got both; documents are read by themselves`)
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
