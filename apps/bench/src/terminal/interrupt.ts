import { constants } from 'node:os'

/** Thrown when a person stops the work: not an error. */
export class Interrupted extends Error {
  constructor(readonly signalName: 'SIGINT' | 'SIGTERM') {
    super('interrupted')
  }

  /** What a shell expects: 128 + the signal's number. */
  get exitCode(): number {
    return 128 + constants.signals[this.signalName]
  }
}

/** Aborted by the first Ctrl-C or SIGTERM, so that the work can save and stop; a second one ends the process. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(new Interrupted(name).exitCode)
      controller.abort(new Interrupted(name))
    })
  return controller.signal
}
