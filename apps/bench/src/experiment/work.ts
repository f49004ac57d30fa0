import type { EvaluationReplicas } from '@alibi/transformer'
import type { Progress } from '../terminal/progress.js'

/** With what a model is evaluated. */
export interface EvaluationWork {
  readonly progress: Progress
  readonly signal: AbortSignal
  /** The processes that all do this evaluation, each its part of the batches. Absent: this one does it alone. */
  readonly replicas?: EvaluationReplicas | undefined
}
