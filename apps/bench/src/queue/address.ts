// Where the queue is, and what is secret of it.

/** A Redis or Valkey. */
export interface QueueAddress {
  /** With its password: for the connection alone. */
  readonly url: string
  /** Without it: for people. */
  readonly shown: string
}

/** May hold the whole address, with its password. */
export const URL_VARIABLE = 'BENCH_QUEUE_URL'
/** The password of an address that has none. */
export const PASSWORD_VARIABLE = 'BENCH_QUEUE_PASSWORD'

const EXPECTED = 'queue: expected an address like redis://host:6379, or rediss:// for TLS'

/**
 * The address that a person gave. What is secret of it is taken out of the environment, which the processes of cells inherit.
 *
 * @param given - `--queue` of the command line; true: it had no value
 * @throws Error, one line, for what is no address, and for a password on the command line, where all users see it
 */
export function queueAddress(given: string | true, environment: NodeJS.ProcessEnv = process.env): QueueAddress {
  const { [URL_VARIABLE]: fromEnvironment, [PASSWORD_VARIABLE]: password } = environment
  delete environment[URL_VARIABLE]
  delete environment[PASSWORD_VARIABLE]
  if (given === true && fromEnvironment === undefined)
    throw new Error(`${EXPECTED}, got none; name it with --queue or in ${URL_VARIABLE}`)
  const url = parse(given === true ? fromEnvironment! : given)
  if (given !== true && url.password)
    throw new Error(
      `queue: expected no password in --queue, where all users of this machine see it, got one; put it in ${PASSWORD_VARIABLE}, or the address in ${URL_VARIABLE}`,
    )
  if (password && !url.password) url.password = encodeURIComponent(password)
  return { url: url.href, shown: `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}` }
}

/** @throws Error, one line, which does not repeat what may have a password in it */
function parse(text: string): URL {
  if (!URL.canParse(text)) throw new Error(`${EXPECTED}, got something else`)
  const url = new URL(text)
  if (!/^rediss?:$/.test(url.protocol)) throw new Error(`${EXPECTED}, got one that begins with ${url.protocol}`)
  if (!url.hostname) throw new Error(`${EXPECTED}, got one without a host`)
  if (!/^\/?\d*$/.test(url.pathname)) throw new Error(`${EXPECTED}, got one whose path is no number of a database`)
  return url
}
