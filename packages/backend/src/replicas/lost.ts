/** Another replica is gone, so that no step can be taken any more: its process has ended, or nothing reaches it. */
export class ReplicaLostError extends Error {
  /** Which one, if that is known. */
  readonly replica: number | undefined

  constructor(replica: number | undefined, reason: string) {
    super(
      `replicas: expected all replicas, got no answer from ${replica === undefined ? 'one' : `replica ${replica}`} (${reason})`,
    )
    this.replica = replica
  }

  /** @returns undefined for an error that is not of the connection to others */
  static from({ message }: Error): ReplicaLostError | undefined {
    if (!LOST.test(message)) return undefined
    const [, reason = 'its process has ended, or nothing reaches it'] =
      /(Connection reset by peer|Connection refused|Socket closed)/.exec(message) ?? []
    // What one of them says of another comes last.
    const tasks = [...message.matchAll(/from remote target [^ ]*\/task:(\d+)/g)]
    return new ReplicaLostError(tasks.length ? Number(tasks.at(-1)![1]) : undefined, reason)
  }
}

/** How TensorFlow says that a connection is gone, or that others have said so. */
const LOST = /from remote target|Collective ops is aborted|recvmsg:|Socket closed|failed to connect|Connection reset/
