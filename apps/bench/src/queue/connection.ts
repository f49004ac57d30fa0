import { Redis } from 'ioredis'
import type { QueueAddress } from './address.js'

const PATIENCE_MS = 5000

const UNKNOWN_CERTIFICATE =
  'a certificate that this machine does not trust; name the file of its authority in NODE_EXTRA_CA_CERTS'

/** Redis's protected mode, most likely, of whose message nothing arrives here. */
const HUNG_UP = 'a server that hung up; one without a password hears other machines only with --protected-mode no'

/** What the system says of an address, in words. */
const NOBODY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody who answers there',
  ECONNRESET: 'somebody who hung up',
  ENOTFOUND: 'a host that there is not',
  EAI_AGAIN: 'a host whose address cannot be found now',
  EHOSTUNREACH: 'a host that cannot be reached',
  ETIMEDOUT: 'no answer',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CERTIFICATE,
}

/**
 * A connection that comes back by itself. BullMQ makes further ones like it where it waits.
 *
 * @param say - receives a line when the queue goes, and when it is back
 * @throws Error, one line, if there is no queue now
 */
export async function connectQueue({ url, shown }: QueueAddress, say: (line: string) => void): Promise<Redis> {
  let [wasReady, isGone, reason] = [false, false, 'no answer']
  const connection = new Redis(url, {
    lazyConnect: true,
    connectTimeout: PATIENCE_MS,
    // As BullMQ needs it: what is asked of a queue that is gone waits until it is back.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (wasReady ? Math.min(100 * times, 2000) : null),
  })
  connection.on('error', (error: NodeJS.ErrnoException) => {
    reason = NOBODY[error.code ?? ''] ?? (error.message || reason)
  })
  connection.once('connect', () => {
    reason = HUNG_UP
  })
  const refuse = (error: unknown) => {
    connection.disconnect()
    const { code = '', message } = error as NodeJS.ErrnoException
    const why = NOBODY[code] ?? (/^$|connection is closed/i.test(message) ? reason : message)
    return new Error(`queue: expected a Redis or Valkey at ${shown}, got ${why.split('\n')[0]}`)
  }
  try {
    await inTime(connection.connect().then(() => connection.ping()))
  } catch (error) {
    throw refuse(error)
  }
  wasReady = true
  connection.on('close', () => {
    if (isGone) return
    isGone = true
    say(`the queue ${shown} is gone; what was begun goes on and is saved, waiting for it to come back`)
  })
  connection.on('ready', () => {
    if (isGone) say(`the queue ${shown} is back`)
    isGone = false
  })
  return connection
}

/** Ends a connection; what still waits for the queue waits no longer. */
export function leaveQueue(connection: Redis): void {
  connection.removeAllListeners('close')
  connection.disconnect()
}

/** @throws Error where a promise takes longer than a queue that is there */
export async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
