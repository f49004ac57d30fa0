import * as tf from '@tensorflow/tfjs'
import { currentCompiler, type StepCompiler } from '../compiler.js'
import { attentionNames } from '../model/attention-names.js'
import { type AttentionSettings, attentionSettings } from '../model/attention-settings.js'
import type { ForwardOptions } from '../model/forward-options.js'
import { keptGraphs } from '../model/kept-graphs.js'
import type { Model } from '../model/model.js'
import type { EvaluateOptions } from './evaluate-options.js'
import { fallbacksOf } from './fallbacks.js'
import { placeSums, scoringInputs } from './losses.js'
import { withPeakBytes } from './peak-memory.js'
import { sameShape, type Window } from './windows.js'

/** Batches and tokens of one shape from which on a graph pays: making it takes as long as some batches op by op. */
const WORTH = { batches: 4, tokens: 8192 }
/**
 * Tokens from which on skipping keys op by op beats a graph that reads them all. On 2 threads, 4 layers of 8 heads: 1,024
 * tokens took 147 ms against 85 as a graph, 8,192 as long either way, 16,384 a quarter less.
 */
const SKIPPING_PAYS = 8192
/** Shapes whose graphs are kept at a time. */
const SHAPES = 6

/** What a batch gives. */
export interface Scored {
  /** Sum of −ln p at each scored place; nats; [S]. */
  readonly sums: Float32Array
  /** Most bytes that tensors held at once, op by op, in the first batch; 0 for others. */
  readonly peakBytes: number
}

/** Scores batches of windows. */
export interface Scorer {
  /**
   * @param batch - windows of one shape
   * @param number - of the batch
   */
  score(batch: readonly Window[], number: number): Promise<Scored>
  /** The kernel of each layer's attention in a batch. */
  attentionNames(batch: readonly Window[]): readonly string[]
  dispose(): void
}

/**
 * Scores as graphs, one for each shape, where the backend can and enough batches come.
 *
 * @param windows - all that are to be scored
 * @param rows - windows of a whole batch
 */
export function createScorer(
  model: Model,
  tokens: Int32Array,
  windows: readonly Window[],
  rows: number,
  options: EvaluateOptions,
): Scorer {
  const { attentionWindow, skipTolerance, positions, firstToken, onFallback } = options
  const forward = { attentionWindow, skipTolerance, ...attentionSettings(options) }
  const compiler = options.compile === false ? undefined : currentCompiler()
  const settings = [...settingsOf(forward), positions !== undefined]
  const graphs = compiler && keptGraphs(model.parameters, settings, () => compiled(model, forward, compiler))
  const countOf = memoized((first: Window) => windows.filter((window) => sameShape(window, first)).length)
  const namesOf = (batch: readonly Window[], compiled: boolean) => namesOfBatch(model, batch, { ...options, compiled })
  const runsAsGraph = memoized((first: Window) => {
    const length = first.end - first.start
    const names = () => namesOf([first], false)
    // Kernels that the caller names stand as they are.
    const isNamed = options.attentionKernels !== undefined && names().includes('skipping')
    if (!graphs || isNamed || skipsFaster(length, names)) return false
    const count = countOf(first)
    return options.compile ?? (count > (WORTH.batches - 1) * rows && count * length >= WORTH.tokens)
  })

  return {
    async score(batch, number) {
      const first = batch[0]!
      const at = positions?.(number, first.end - first.start)
      if (runsAsGraph(first)) {
        const inputs = scoringInputs(model, tokens, batch, Math.min(rows, countOf(first)), firstToken)
        return graphs!.score(inputs, at).finally(() => graphs!.tell(onFallback))
      }
      const compute = () =>
        tf.tidy(() =>
          placeSums(
            model,
            { ...forward, positions: at },
            scoringInputs(model, tokens, batch, batch.length, firstToken),
          ),
        )
      return scoredBy(compute, number === 0)
    },
    attentionNames: (batch) => namesOf(batch, runsAsGraph(batch[0]!)),
    // The model keeps the graphs for the next evaluation.
    dispose() {},
  }
}

/** The passes of one model and one way of reading as graphs, with the memory that the first of each shape took. */
function compiled(model: Model, forward: ForwardOptions, compile: StepCompiler) {
  const peaks = new Map<string, number>()
  const { onFallback, tell } = fallbacksOf(model)
  let positions: Int32Array | undefined
  const pass = () => ({ ...forward, compiled: true, positions: positions && (() => positions!) })
  const step = compile((...inputs) => [placeSums(model, pass(), inputs)], [...model.parameters.values()], {
    // Without gradients there is little to fuse, and oneDNN's products are faster.
    xla: false,
    maxShapes: SHAPES,
    onFallback,
  })
  return {
    async score(inputs: tf.Tensor[], at: Int32Array | undefined): Promise<Scored> {
      positions = at
      try {
        const key = inputs.map(({ shape }) => `[${shape}]`).join()
        const { sums, peakBytes } = await scoredBy(() => step(...inputs)[0]!, !peaks.has(key))
        if (!peaks.has(key)) peaks.set(key, peakBytes)
        return { sums, peakBytes: peaks.get(key)! }
      } finally {
        tf.dispose(inputs)
      }
    },
    tell,
    dispose: step.dispose,
  }
}

/**
 * Whether a pass is faster op by op, which leaves keys out, than as a graph, which does not.
 *
 * @param names - the kernels that it has op by op
 */
export const skipsFaster = (length: number, names: () => readonly string[]): boolean =>
  length >= SKIPPING_PAYS && names().includes('skipping')

/** The kernels of a batch that begins a text: no cache has anything yet. */
export function namesOfBatch(
  model: Model,
  batch: readonly Window[],
  options: Pick<EvaluateOptions, 'attentionWindow' | 'positions' | keyof AttentionSettings> & {
    readonly compiled?: boolean
  },
): readonly string[] {
  const { attentionWindow, positions, compiled } = options
  const length = batch[0]!.end - batch[0]!.start
  const pass = { batchSize: batch.length, length, positions: positions?.(0, length), attentionWindow, compiled }
  return attentionNames(model, { ...attentionSettings(options), ...pass })
}

/** Runs a pass, reads its sums, and measures its memory if asked to. */
export async function scoredBy(compute: () => tf.Tensor, measures: boolean): Promise<Scored> {
  const { result, peakBytes } = measures ? await withPeakBytes(compute) : { result: compute(), peakBytes: 0 }
  return { sums: (await result.data().finally(() => result.dispose())) as Float32Array, peakBytes }
}

/** All that makes a graph of passes what it is, besides the shapes of its inputs. */
const settingsOf = (options: ForwardOptions): readonly unknown[] => [
  'scores',
  tf.getBackend(),
  options.attentionWindow,
  options.skipTolerance,
  options.attentionStorage,
  options.queriesPerTile,
  ...(options.attentionKernels ?? []),
]

/** Asks once for each shape of window. */
function memoized<T>(ask: (window: Window) => T): (window: Window) => T {
  const answers = new Map<string, T>()
  return (window) => {
    const shape = `${window.end - window.start},${window.scoreFrom}`
    if (!answers.has(shape)) answers.set(shape, ask(window))
    return answers.get(shape)!
  }
}
