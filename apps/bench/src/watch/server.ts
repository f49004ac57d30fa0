import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { lastOf, watchPage } from './page.js'
import type { View } from './view.js'
import type { Watchable } from './watchable.js'

const HOST = '127.0.0.1'
const BASE = `http://${HOST}`
const EVERY_MS = 1000
const TELL_WHILE_READING_MS = 3000

/** The page needs nothing from elsewhere, and may get nothing from there. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"

interface Client {
  readonly response: ServerResponse
  readonly last: number
  /** What it has, part by part. */
  readonly sent: Map<string, string>
  view?: View
}

/** What the server sends a page: what has changed, and which figures each section has. */
interface Update {
  readonly status: string
  readonly whole?: string
  readonly cells?: string
  readonly rest?: string
  readonly sections: Readonly<Record<string, readonly string[]>>
  readonly figures: Readonly<Record<string, string>>
}

/**
 * Serves a live page to this machine, until it is aborted.
 *
 * @param port - 0: a free one
 * @param onListening - receives the page's address
 * @throws Error, one line, for a port in use
 */
export async function serveWatch<W>(
  watchable: Watchable<W>,
  port: number,
  { onListening, signal }: { onListening: (url: string) => void; signal: AbortSignal },
): Promise<void> {
  const read = oneAtATime(() => watchable.read())
  const view = (watched: W, last: number) => watchable.view(watched, last)
  const clients = new Set<Client>()
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = new URL(request.url!, BASE)
    const last = lastOf(address)
    const isHead = request.method === 'HEAD'
    if (address.pathname === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      if (isHead) return void response.end()
      const client = { response, last, sent: new Map() }
      clients.add(client)
      response.on('close', () => clients.delete(client))
      tell(client, view(await read(), last))
    } else if (address.pathname === '/') {
      const page = isHead ? '' : watchPage(watchable.name, view(await read(), last), last)
      const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY }
      response.writeHead(200, { ...headers, 'cache-control': 'no-store' }).end(page)
    } else {
      const cell = address.pathname === '/log' ? address.searchParams.get('cell') : null
      const log = cell === null || isHead ? undefined : await watchable.log?.(cell)
      if (log === undefined) return void response.writeHead(404).end()
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(log)
    }
  }
  const server = createServer((request, response) => {
    if (!isForUs(request)) return void response.writeHead(403).end()
    answer(request, response).catch((error: Error) => {
      console.error(`watch: ${error.message}`)
      if (response.headersSent) response.destroy()
      else response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${error.message}\n`)
    })
  })
  await listen(server, port)
  onListening(`${BASE}:${(server.address() as AddressInfo).port}/`)
  try {
    let isReading = false
    let told = 0
    while (!signal.aborted) {
      await setTimeout(isReading ? 0 : EVERY_MS, undefined, { signal }).catch(() => {})
      if (!clients.size && !isReading) continue
      const watched = await read()
      isReading = watchable.isReading(watched)
      // While much is read, what is read is more than what is shown.
      if (isReading && performance.now() - told < TELL_WHILE_READING_MS) continue
      told = performance.now()
      for (const client of clients) tellSafely(client, () => view(watched, client.last))
    }
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** One reader at a time: who asks while it reads gets what it finds. */
function oneAtATime<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined
  return () => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
}

/** A page that cannot be made is closed, and asks again; the others and the server go on. */
function tellSafely(client: Client, view: () => View): void {
  try {
    tell(client, view())
  } catch (error) {
    console.error(`watch: ${(error as Error).message}`)
    client.response.destroy()
  }
}

/** Pages of other sites may have names that lead here. */
const isForUs = ({ method, url, headers }: IncomingMessage) =>
  (method === 'GET' || method === 'HEAD') &&
  URL.canParse(url!, BASE) &&
  /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '')

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'which is in use' : error.message
      reject(new Error(`watch: expected a free port, got ${port}, ${reason}; take another, or none for a free one`))
    })
    server.listen(port, HOST, resolve)
  })
}

/** Sends what is new to the client; nothing if nothing is. */
function tell(client: Client, view: View): void {
  if (client.view === view) return
  client.view = view
  const { response, sent } = client
  const { status, whole, cells, rest, sections } = view
  const ids = Object.fromEntries(
    Object.entries(sections).map(([id, figures]) => [id, figures.map(([figure]) => figure)]),
  )
  const figures = Object.values(sections).flat()
  const parts = new Map([
    ['status', status],
    ['whole', whole],
    ['cells', cells],
    ['rest', rest],
    ['sections', JSON.stringify(ids)],
    ...figures,
  ])
  const changed = [...parts].filter(([part, content]) => sent.get(part) !== content).map(([part]) => part)
  if (!changed.length) return
  sent.clear()
  for (const [part, content] of parts) sent.set(part, content)
  const update: Update = {
    status,
    ...(changed.includes('whole') && { whole }),
    ...(changed.includes('cells') && { cells }),
    ...(changed.includes('rest') && { rest }),
    sections: ids,
    figures: Object.fromEntries(figures.filter(([id]) => changed.includes(id))),
  }
  response.write(`data: ${JSON.stringify(update)}\n\n`)
}
