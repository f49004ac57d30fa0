// Letters: L evalLength, S scored.
import { seededRandom } from '@alibi/core'
import { type CellKey, type ContextLine, cellName, pairedTest } from '@alibi/results'
import type { Model } from '@alibi/transformer'
import { shuffled } from '../data/tasks/random.js'
import type { FirstToken } from '../data/tokenizer/first-token.js'
import { thousands } from '../terminal/format.js'
import { answeredBatches, batchesOf } from './answered-batches.js'
import type { EvaluationWork } from './work.js'

/** Tokens scored at the end of a window: an eighth of it, and no more than so many, which are about as far from its start. */
const MOST_SCORED = 32

export interface ContextRequest {
  readonly cell: CellKey
  /** Held-out text. */
  readonly tokens: Int32Array
  /** L, tokens of a window. */
  readonly evalLength: number
  /** Scored tokens in all, at most. */
  readonly maxTokens: number
  /** The token that each window begins with, if any, and what it is called. */
  readonly first: { readonly mark: FirstToken; readonly token: number | undefined }
  readonly trainedWith?: string | undefined
}

/**
 * How much of its context a model uses: the loss of the last tokens of windows as they are, with what is further back than some
 * tokens left out, and with it in another order (as Khandelwal et al., ACL 2018, §3, did with LSTMs). The same windows and
 * orders for every model.
 *
 * @throws RangeError, one line, for a text that is shorter than a window
 */
export async function ablateContext(
  model: Model,
  { cell, tokens, evalLength, maxTokens, first, trainedWith }: ContextRequest,
  { progress, signal }: EvaluationWork,
): Promise<ContextLine> {
  const windows = windowsOf(tokens, evalLength, maxTokens, first.token)
  const { scored } = windows
  const kept = keptLengths(evalLength - scored)
  progress.start(cellName(cell), `context of ${thousands(evalLength)}`, 1 + 2 * kept.length)
  let done = 0
  const lossesOf = async (change: (context: Int32Array, window: number) => Int32Array) => {
    const texts = windows.rows.map(({ context, targets }, i) => joined(first.token, change(context, i), targets))
    const losses = await meanLosses(model, texts, scored, { progress, signal })
    progress.update(++done, [])
    return losses
  }
  const whole = await lossesOf((context) => context)
  const line: ContextLine = {
    type: 'context',
    ...cell,
    ...(trainedWith !== undefined && { trainedWith }),
    evalLength,
    scored,
    windows: windows.rows.length,
    firstToken: first.mark,
    lossNats: meanOf(whole),
    kept: [],
  }
  for (const length of kept) {
    const removed = await lossesOf((context) => context.subarray(context.length - length))
    const mixed = await lossesOf((context, i) => withShuffledStart(context, context.length - length, i))
    line.kept.push({
      tokens: length,
      removedNats: meanOf(removed),
      ...rise('removedRise', removed, whole),
      shuffledNats: meanOf(mixed),
      ...rise('shuffledRise', mixed, whole),
    })
  }
  return line
}

interface Windows {
  /** S, tokens scored at the end of each. */
  readonly scored: number
  readonly rows: readonly { readonly context: Int32Array; readonly targets: Int32Array }[]
}

/** Windows of L tokens, spread over the text; no token is scored twice. */
function windowsOf(tokens: Int32Array, evalLength: number, maxTokens: number, first: number | undefined): Windows {
  // A first token is one of those that are read.
  const own = evalLength - (first === undefined ? 0 : 1)
  const scored = Math.min(MOST_SCORED, Math.max(1, evalLength >> 3), maxTokens)
  if (own - scored < 2)
    throw new RangeError(`eval: expected windows with context for --context-ablation, got length ${evalLength}`)
  if (tokens.length < own)
    throw new RangeError(
      `eval: expected a text of ${own} tokens or more for length ${evalLength}, got ${tokens.length}`,
    )
  const possible = Math.floor((tokens.length - own) / scored) + 1
  const count = Math.max(1, Math.min(possible, Math.floor(maxTokens / scored)))
  const advance = count > 1 ? Math.floor((tokens.length - own) / (count - 1)) : 0
  const rows = Array.from({ length: count }, (_, i) => {
    const window = tokens.subarray(i * advance, i * advance + own)
    return { context: window.subarray(0, own - scored), targets: window.subarray(own - scored) }
  })
  return { scored, rows }
}

/** Powers of two from 1 up, below a context. */
function keptLengths(context: number): number[] {
  const lengths: number[] = []
  for (let length = 1; length < context; length *= 2) lengths.push(length)
  return lengths
}

/** A context whose first tokens are in another order, which the window's number decides. */
function withShuffledStart(context: Int32Array, far: number, window: number): Int32Array {
  const random = seededRandom(Math.imul(window + 1, 0x9e3779b1) ^ far)
  return Int32Array.of(...shuffled([...context.subarray(0, far)], random), ...context.subarray(far))
}

function joined(first: number | undefined, context: Int32Array, targets: Int32Array): Int32Array {
  const start = first === undefined ? 0 : 1
  const all = new Int32Array(start + context.length + targets.length)
  if (first !== undefined) all[0] = first
  all.set(context, start)
  all.set(targets, start + context.length)
  return all
}

/** The mean loss of each text's last tokens, by the text's number. */
async function meanLosses(
  model: Model,
  texts: readonly Int32Array[],
  scored: number,
  work: EvaluationWork,
): Promise<Map<number, number>> {
  const batches = batchesOf(
    texts.map((tokens) => ({ tokens, answerLength: scored })),
    texts[0]!.length,
  )
  const means = new Map<number, number>()
  for await (const scores of answeredBatches(model, batches, work))
    for (const { lossNats } of scores) means.set(means.size, lossNats.reduce((sum, loss) => sum + loss, 0) / scored)
  return means
}

const meanOf = (values: ReadonlyMap<number, number>) => [...values.values()].reduce((a, b) => a + b) / values.size

/** The interval of the mean rise over windows, by Student's paired test. */
function rise<Name extends string>(name: Name, after: Map<number, number>, before: Map<number, number>) {
  const test = pairedTest(after, before)
  return test && ({ [name]: [...test.interval] } as Record<Name, [number, number]>)
}
