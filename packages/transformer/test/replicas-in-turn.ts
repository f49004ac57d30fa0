// Replicas of an evaluation without processes of their own: one is all of them in turn, and what they give is added up by hand. The
// bench's tests have real ones.
import type { EvaluationReplicas } from '../src/index.js'

/**
 * What each of several replicas finds. All are run twice: first each is told that the others have scored zeros, which shows what
 * it gives; then each gets the sums.
 */
export async function together<T>(count: number, work: (replicas: EvaluationReplicas) => Promise<T>): Promise<T[]> {
  const given = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const own: Float64Array[] = []
      await work({
        index,
        count,
        sum(values) {
          own.push(values.slice())
          return values.slice().fill(1, 0, count)
        },
      })
      return own
    }),
  )
  const sums = given[0]!.map((values, call) =>
    values.map((_, i) => given.reduce((all, own) => all + own[call]![i]!, -0)),
  )
  return Promise.all(
    Array.from({ length: count }, (_, index) => {
      let call = 0
      return work({ index, count, sum: () => sums[call++]! })
    }),
  )
}
