// Debian's redis-server, or Valkey's, on loopback, with an append-only file.
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { findRedis } from '../../../tooling/redis.mjs'

const program = findRedis()

export interface RedisServer {
  readonly url: string
  /** As a loss of power does. */
  kill(): Promise<void>
  /** With what its file has. */
  restart(): Promise<void>
}

interface RedisOptions {
  readonly password: string
  /** Paths of files; it speaks TLS alone. */
  readonly certificate: string
  readonly key: string
}

/** @param folder - for its file */
export async function startRedis(folder: string, secure?: RedisOptions): Promise<RedisServer> {
  const port = await freePort()
  const url = `${secure ? 'rediss' : 'redis'}://127.0.0.1:${port}`
  const own = secure
    ? {
        ...{ port: 0, 'tls-port': port, 'tls-cert-file': secure.certificate, 'tls-key-file': secure.key },
        ...{ 'tls-ca-cert-file': secure.certificate, 'tls-auth-clients': 'no', requirepass: secure.password },
      }
    : { port }
  let child: ChildProcess | undefined
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child!.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  const restart = async () => {
    const options = { ...own, bind: '127.0.0.1', dir: folder, appendonly: 'yes', appendfsync: 'always', save: '' }
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`])
    child = spawn(program!, words, { stdio: 'ignore' })
    const connection = new Redis(url, {
      ...{ maxRetriesPerRequest: null, retryStrategy: () => 20 },
      ...(secure && { password: secure.password, tls: { rejectUnauthorized: false } }),
    })
    connection.on('error', () => {})
    await connection.ping()
    connection.disconnect()
  }
  await restart()
  return { url, kill, restart }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
