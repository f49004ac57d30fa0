import { fail } from '@alibi/core'
import { checkReplicas } from '../check-replicas.js'

/** Processes that evaluate one model together: what `joinReplicas` of `@alibi/backend` makes, or the like. */
export interface EvaluationReplicas {
  /** Which of them this is, from 0. */
  readonly index: number
  /** How many there are. */
  readonly count: number
  /** Adds up an array over all replicas, in float64. All of them call it with as many numbers. */
  sum(values: Float64Array): Float64Array
}

/** @throws RangeError or TypeError, one line, for what are no replicas */
export function checkEvaluationReplicas(where: string, replicas: EvaluationReplicas): void {
  checkReplicas(where, replicas)
  if (typeof replicas.sum !== 'function') fail(where, 'replicas.sum as a function', replicas.sum, TypeError)
}
