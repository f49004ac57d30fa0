import { loadFairseq } from '@alibi/fairseq'
import { makeReading, modelSize } from '@alibi/results'
import type { Model } from '@alibi/transformer'
import { withFirst } from '../data/tokenizer/first-token.js'
import type { Located, Tokenizer } from '../data/tokenizer/tokenizer.js'
import { evaluateModel } from '../experiment/evaluate.js'
import type { Progress } from '../terminal/progress.js'
import { isSameCell, type PaperCell, type Part } from './cells.js'
import type { DoneCell } from './store.js'

/** What cells are scored with. */
export interface ScoreOptions {
  /** Paths of checkpoints by their train lengths. */
  readonly checkpoints: ReadonlyMap<number, string>
  /** The words, once the size of the first checkpoint's tables is known. */
  readonly wordsOf: (checkpoint: string, vocabularySize: number) => Promise<Tokenizer>
  readonly textOf: (part: Part) => Uint8Array
  readonly isDone: (cell: PaperCell) => boolean
  readonly onDone: (cell: PaperCell, done: Omit<DoneCell, 'checkpoint' | 'text' | 'backend'>) => Promise<void>
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Scores what is not done yet, checkpoint after checkpoint, so that each is loaded once; a number of two tables once. */
export async function scoreCells(cells: readonly PaperCell[], options: ScoreOptions): Promise<void> {
  const located = new Map<Part, Located>()
  let words: Tokenizer | undefined
  for (const [trainLength, path] of options.checkpoints) {
    const due = cells.filter(
      (cell, i) =>
        cell.trainLength === trainLength &&
        !options.isDone(cell) &&
        cells.findIndex((other) => isSameCell(other, cell)) === i,
    )
    if (!due.length) continue
    options.progress.line(`loading ${path}`)
    const loaded = await loadFairseq(path, { strategy: 'alibi' })
    const { model } = loaded
    try {
      if (loaded.trainLength !== trainLength)
        throw new Error(`paper: expected a train length of ${trainLength} in ${path}, got ${loaded.trainLength}`)
      words ??= await options.wordsOf(path, model.config.vocabularySize)
      for (const cell of due) {
        if (!located.has(cell.part))
          located.set(cell.part, withFirst(words.locate(options.textOf(cell.part)), words, 'eos'))
        await scoreCell(model, located.get(cell.part)!, cell, options)
      }
    } finally {
      model.dispose()
    }
  }
}

async function scoreCell(model: Model, text: Located, cell: PaperCell, { onDone, progress, signal }: ScoreOptions) {
  const { part, trainLength, evalLength, stride } = cell
  const started = performance.now()
  const { whole } = await evaluateModel(
    model,
    text,
    {
      cell: { strategy: 'alibi', trainLength, seed: 0, size: modelSize(model.config, 'fairseq') },
      reading:
        stride === evalLength ? makeReading(evalLength, 'nonoverlapping') : makeReading(evalLength, 'sliding', stride),
      windows: 'fairseq',
      firstToken: 'eos',
      maxTokens: text.tokens.length,
    },
    { progress, signal },
  )
  progress.stop()
  const { tokens, lossNats, perplexity } = whole
  if (!Number.isFinite(lossNats))
    throw new Error(
      `paper: expected a finite loss, got ${lossNats} of the checkpoint of ${trainLength} at ${evalLength}`,
    )
  const seconds = (performance.now() - started) / 1000
  await onDone(cell, { part, trainLength, evalLength, stride, tokens, lossNats, perplexity, seconds })
}
