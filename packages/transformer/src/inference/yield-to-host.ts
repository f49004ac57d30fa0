/** Milliseconds of work between turns: a turn takes one to four. */
const BETWEEN = 200

/**
 * To be awaited between pieces of long work: now and then it gives signals, timers and messages their turn. Backends that compute
 * at once, as TensorFlow does, never do, and nothing could abort the work.
 */
export function createTurns(): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < BETWEEN) return
    await new Promise((resolve) => setTimeout(resolve))
    last = performance.now()
  }
}
