// Letters: L evalLength.
import type { AttentionSettings } from '../model/attention-settings.js'
import type { EvaluationReplicas } from './evaluation-replicas.js'

/** What `evaluate` takes besides a model and tokens. */
export interface EvaluateOptions extends AttentionSettings {
  /** L, the length of each sequence the model reads; the paper's L_valid. */
  readonly evalLength: number
  /**
   * `nonoverlapping` cuts the text into chunks of L and scores every token; `sliding` advances by `stride`, reads the
   * L − stride tokens before again and scores only the new ones (the paper, appendix B); `streaming` keeps the keys and
   * values of those tokens in a cache instead. It is much cheaper than sliding and another thing: in deeper layers what is
   * cached saw more than L tokens back, and positions go on counting. Default `nonoverlapping`.
   */
  readonly protocol?: 'nonoverlapping' | 'sliding' | 'streaming'
  /** Tokens that a sliding or streaming window advances by. Default L / 2. */
  readonly stride?: number
  /**
   * Where sliding windows lie. `full`: the first scores L tokens, the others lie so that they are full. `fairseq`: scored
   * stretches begin at multiples of the stride, and each reads up to L − stride tokens before, as fairseq-eval-lm with a
   * context window; the same for a stride of 1. Default `full`.
   */
  readonly windows?: 'full' | 'fairseq' | undefined
  /** Limits each query to the last so many keys: a control of what reading further back is worth. Default all. */
  readonly attentionWindow?: number | undefined
  /**
   * Share of attention weight that may be left out of each row, in sequences long enough for it. Default 0: keys are left
   * out only where their weight is zero in fp32, which changes nothing.
   */
  readonly skipTolerance?: number | undefined
  /**
   * Where a batch's tokens are, by the batch's number and the length of its sequences, ascending. Default 0 to length − 1.
   * Not when streaming, where a token's place in the text is its position.
   */
  readonly positions?: ((batch: number, length: number) => Int32Array) | undefined
  /**
   * Read in place of the first token of every window, e.g. one that begins texts; the tokens that are scored stay. Not when
   * streaming, which has no windows. Default: windows read the text's own.
   */
  readonly firstToken?: number | undefined
  /** Tokens to score at most. Default all. */
  readonly maxTokens?: number
  /** Tokens read in one forward pass, at least one sequence. Default 4096. */
  readonly batchTokens?: number
  /**
   * Whether passes run as graphs, one for each shape, where the backend compiles. Default: where at least 4 batches and 8,192
   * tokens have the shape, as making a graph takes about as long; `true` also for fewer, `false` never. Not where skipping
   * keys op by op is faster: from 8,192 tokens on, with slopes, a table or a gate. Never when streaming.
   */
  readonly compile?: boolean | undefined
  /**
   * Evaluates together with other processes, each of which reads its part of the batches; all have the same model, tokens and
   * options, and get the same numbers. Not when streaming, where windows depend on each other. Absent: alone.
   */
  readonly replicas?: EvaluationReplicas | undefined
  /** Called after each batch with the tokens scored, the tokens to score and the mean −ln p of those scored. */
  readonly onProgress?: (done: number, total: number, lossNats: number) => void
  /** Told in one line why passes run op by op where the backend compiles others: once for each model and reason. */
  readonly onFallback?: ((reason: string) => void) | undefined
  /** Stops between batches when it is aborted. */
  readonly signal?: AbortSignal
}
