import type { Replicas } from '@alibi/backend/browser'

/** Where work waits for the page: for its messages to arrive, and for it to go on. */
export interface Gate {
  /** Lets messages in; waits while paused. @returns false when the work is to stop */
  pass(): Promise<boolean>
  pause(): void
  resume(): void
  stop(): void
}

/** Between two looks at the messages: each costs a few milliseconds. */
const LOOK_EVERY_MS = 100

export function createGate(): Gate {
  let stopped = false
  let looked = performance.now()
  let waiting: Promise<void> | undefined
  let go = () => {}
  const resume = () => {
    waiting = undefined
    go()
  }
  return {
    async pass() {
      if (performance.now() - looked > LOOK_EVERY_MS) {
        // On wasm and cpu a step awaits nothing that would let a message in.
        await new Promise((resolve) => setTimeout(resolve))
        looked = performance.now()
      }
      await waiting
      return !stopped
    },
    pause() {
      waiting ??= new Promise((resolve) => {
        go = resolve
      })
    },
    resume,
    stop() {
      stopped = true
      resume()
    },
  }
}

/**
 * A gate that threads pass together.
 *
 * @param gate - of the first thread, which decides; the others wait until it has
 */
export const sharedGate = ({ sum }: Replicas, gate?: Pick<Gate, 'pass'>): Pick<Gate, 'pass'> => ({
  pass: async () => sum(Float64Array.of((await gate?.pass()) ? 1 : 0))[0] === 1,
})
