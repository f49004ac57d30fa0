import { constants } from 'node:os'

/** Ctrl-C, a request to end, a terminal that was closed or a lost connection. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Thrown when a person stops the work: not an error. */
export class Interrupted extends Error {
  constructor(readonly signalName: (typeof SIGNALS)[number]) {
    super('interrupted')
  }

  /** What a shell expects: 128 + the signal's number. */
  get exitCode(): number {
    return 128 + constants.signals[this.signalName]
  }
}

/**
 * Aborted by the first of {@link SIGNALS}, so that the work can save and stop; a second Ctrl-C ends the process. The others may
 * come twice for one event: from the system, and passed on by a process above.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of SIGNALS)
    process.on(name, () => {
      if (!controller.signal.aborted) controller.abort(new Interrupted(name))
      else if (name === 'SIGINT') process.exit(new Interrupted(name).exitCode)
    })
  return controller.signal
}
