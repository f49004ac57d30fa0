import { duration } from './format.js'

/**
 * How long the rest of a piece of work will take, at the rate since it was first asked for: what was done before tells nothing
 * of the rate, and the first step takes longer than others.
 *
 * @returns of what is done so far: e.g. `20 s left`, or nothing before there is a rate
 */
export function timeLeft(total: number): (done: number) => string {
  let first: { readonly at: number; readonly done: number } | undefined
  return (done) => {
    first ??= { at: performance.now(), done }
    if (done <= first.done) return ''
    const seconds = ((performance.now() - first.at) / 1000 / (done - first.done)) * Math.max(0, total - done)
    return `${duration(seconds)} left`
  }
}
