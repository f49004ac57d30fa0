import { fail } from '@alibi/core'
import type { AttentionKernel } from '../kernels/attention/kernel.js'
import type { AttentionProblem } from '../kernels/attention/problem.js'
import type { AttentionCase } from './case.js'
import { problemOf, situations } from './situations.js'

const WHERE = 'attentionCases'

/** What a kernel says of itself, looked at before anything is computed. */
export function declarationCases(kernel: AttentionKernel): readonly AttentionCase[] {
  return [
    {
      name: 'has a name, features that it takes, and functions',
      run() {
        if (typeof kernel?.name !== 'string' || !kernel.name)
          fail(WHERE, 'a kernel with a name', kernel?.name, TypeError)
        if (!Array.isArray(kernel.takes)) fail(WHERE, `takes of ${kernel.name} as a list`, kernel.takes, TypeError)
        for (const name of ['refuses', 'run'] as const)
          if (typeof kernel[name] !== 'function')
            fail(WHERE, `${name} of ${kernel.name} as a function`, kernel[name], TypeError)
      },
    },
    {
      name: 'refuses in words, whatever the problem, and without computing',
      run() {
        for (const problem of problems()) {
          const reason: unknown = kernel.refuses(problem)
          if (reason !== undefined && (typeof reason !== 'string' || !reason))
            fail(WHERE, `refuses of ${kernel.name} to give a reason in words, or undefined`, reason, TypeError)
        }
      },
    },
  ]
}

/** Problems of every form, on a backend that exists and one that does not, with heads of several sizes. */
function* problems(): Iterable<AttentionProblem> {
  for (const headDim of [1, 6, 8, 256])
    for (const situation of situations({ headDim, numQueries: 5 }))
      for (const backend of ['cpu', 'another'])
        for (const trains of [false, true]) yield problemOf(situation, backend, trains)
}
