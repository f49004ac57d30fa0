/** Milliseconds of work between two yields: a yield takes one to four. */
const BETWEEN = 200

/**
 * A function to await between pieces of long work: now and then it lets signals, timers and messages run. Backends that
 * compute synchronously, as TensorFlow does, never do, and nothing could abort the work.
 */
export function createYielder(): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < BETWEEN) return
    await new Promise((resolve) => setTimeout(resolve))
    last = performance.now()
  }
}
