import { connect, isIP } from 'node:net'

export interface Address {
  readonly host: string
  readonly port: number
}

/** @throws RangeError, one line, for what is no `host:port` */
export function parseAddress(text: string): Address {
  const [, host, port] = /^([\w.-]+):(\d{1,5})$/.exec(text) ?? []
  if (host === undefined || !(Number(port) > 0 && Number(port) < 65_536))
    throw new RangeError(`replicas: expected addresses as host:port, got ${text}`)
  return { host, port: Number(port) }
}

/**
 * Whether all addresses, `host:port`, are of this machine by names that no other machine can reach.
 *
 * @throws RangeError, one line, for what is no `host:port`
 */
export const areLoopback = (addresses: readonly string[]): boolean =>
  addresses.map(parseAddress).every(({ host }) => host === 'localhost' || (isIP(host) === 4 && host.startsWith('127.')))

const PATIENCE_MS = 5000

/** Whether something listens there. */
export const reaches = ({ host, port }: Address): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PATIENCE_MS })
    const end = (reached: boolean) => {
      socket.destroy()
      resolve(reached)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
