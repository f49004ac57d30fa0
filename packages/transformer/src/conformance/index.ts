import { checkInteger, checkOptions } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { type AttentionKernel, refusal } from '../kernels/attention/kernel.js'
import type { AttentionCase } from './case.js'
import { compare } from './compare.js'
import { compute } from './compute.js'
import { declarationCases } from './declaration.js'
import { dropoutCases } from './dropout.js'
import { numbersOf, problemOf, type Situation, situations } from './situations.js'

export type { AttentionCase } from './case.js'

/** Sizes that a kernel takes. */
export interface AttentionCasesOptions {
  /** Features of a head. Default 8. */
  readonly headDim?: number
  /** The fewest queries of a whole sequence, for kernels of long passes. Default 7. */
  readonly numQueries?: number
}

/**
 * What every kernel of attention must hold, for the problems that this one takes: outputs and gradients are those of float64, for
 * each form of bias, with gates, padding, windows, first keys, more keys than queries, odd lengths and huge scores. Runs on the
 * backend that is selected, in any test framework:
 *
 *     await selectBackend()
 *     for (const { name, run } of attentionCases(mine)) it(name, run)
 *
 * @param options - sizes that the kernel takes, where it refuses small ones
 * @returns the cases; those of problems that it refuses are left out; only those of what it declares where they fail
 * @throws RangeError or TypeError for options that are none
 */
export function attentionCases(kernel: AttentionKernel, options: AttentionCasesOptions = {}): readonly AttentionCase[] {
  checkOptions('attentionCases', options, ['headDim', 'numQueries'])
  const { headDim = 8, numQueries = 7 } = options
  checkInteger('attentionCases', 'headDim', headDim, 1)
  checkInteger('attentionCases', 'numQueries', numQueries, 1)
  const backend = tf.getBackend()
  const takes = (situation: Situation, trains: boolean) =>
    refusal(kernel, problemOf(situation, backend, trains)) === undefined
  const declared = declarationCases(kernel)
  if (!declared.every(holds)) return declared
  const all = situations({ headDim, numQueries })
  const computed = all.flatMap((situation): AttentionCase[] => {
    const trains = takes(situation, true)
    if (!trains && !takes(situation, false)) return []
    return [
      {
        name: `computes attention${trains ? ' and its gradients' : ''} with ${situation.name}`,
        run: () => check(kernel, situation, trains),
      },
    ]
  })
  const takesOne: AttentionCase = {
    name: 'takes a problem',
    run() {
      if (!computed.length)
        throw new Error(
          `attentionCases: expected ${kernel.name} to take a problem on ${backend}, got ${refusal(kernel, problemOf(all[0]!, backend, false))}; give sizes that it takes, or name more features in takes`,
        )
    },
  }
  const first = all.find((situation) => takes(situation, true))
  return [...declared, takesOne, ...computed, ...(first ? dropoutCases(kernel, first) : [])]
}

/** Nothing can be computed with a kernel that declares nothing. */
function holds({ run }: AttentionCase): boolean {
  try {
    run()
    return true
  } catch {
    return false
  }
}

async function check(kernel: AttentionKernel, situation: Situation, trains: boolean): Promise<void> {
  const numbers = numbersOf(situation)
  compare(kernel.name, situation, numbers, await compute(kernel, situation, numbers, trains), trains)
  const before = tf.memory().numTensors
  await compute(kernel, situation, numbers, trains)
  const left = tf.memory().numTensors - before
  if (left)
    throw new Error(
      `attentionCases: expected ${kernel.name} to leave its inputs and to free all but its output with ${situation.name}, got ${left > 0 ? `${left} tensors more` : `${-left} tensors fewer`}`,
    )
}
