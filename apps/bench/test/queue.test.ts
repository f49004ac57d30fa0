import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findRedis, NO_REDIS } from '../../../tooling/redis.mjs'
import { PASSWORD_VARIABLE, queueAddress, URL_VARIABLE } from '../src/queue/address.js'
import { openStore } from '../src/queue/open-store.js'
import { fetchText, storeText } from '../src/queue/texts.js'
import { type BenchProcess, decidedLines, startBench, until } from './bench-process.js'
import { type RedisServer, startRedis } from './redis-server.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-queue-'))
  await writeFile(join(folder, 'text.txt'), Array.from({ length: 400 }, (_, i) => `${i} is ${i % 7}.\n`).join(''))
  const plan = {
    ...{ strategies: ['alibi', 't5-bias'], trainLengths: [8], seeds: [1], tokensPerStep: 16 },
    sizes: [{ numLayers: 1, modelDim: 8, numHeads: 2 }],
    settings: { data: './text.txt', steps: 40, checkpointEvery: 5, evalLengths: [8], evalTokens: 32 },
  }
  await writeFile(join(folder, 'plan.json'), JSON.stringify(plan))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the address of a queue', () => {
  it('has its secrets from the environment, which keeps none', () => {
    const environment = { [PASSWORD_VARIABLE]: 'a secret' }
    expect(queueAddress('rediss://host:6380/2', environment)).toEqual({
      url: 'rediss://:a%20secret@host:6380/2',
      shown: 'rediss://host:6380/2',
    })
    expect(environment).toEqual({})
    expect(queueAddress(true, { [URL_VARIABLE]: 'redis://me:secret@host' })).toEqual({
      url: 'redis://me:secret@host',
      shown: 'redis://host',
    })
  })

  it.each([
    ['redis://:secret@host', 'expected no password in --queue'],
    ['http://:secret@host', 'got one that begins with http:'],
    ['redis://:secret@host/name', 'whose path is no number of a database'],
    ['secret', 'got something else'],
    [true, 'got none; name it with --queue or in BENCH_QUEUE_URL'],
  ] as const)('is refused in one line, without its password: %s', (given, message) => {
    const refused = () => queueAddress(given, {})
    expect(refused).toThrow(message)
    expect(refused).not.toThrow(/secret|\n/)
  })
})

it('keeps texts by what is in them', async () => {
  const store = await openStore(join(folder, 'texts'))
  const hash = await storeText(store, join(folder, 'text.txt'))
  const at = await fetchText(store, hash, join(folder, 'fetched'))
  expect(await readFile(at, 'utf8')).toBe(await readFile(join(folder, 'text.txt'), 'utf8'))
  await writeFile(at, 'another')
  expect(await fetchText(store, hash, join(folder, 'fetched'))).toBe(at)
  expect(await readFile(at, 'utf8')).not.toBe('another')
  await writeFile(join(folder, 'texts/texts', hash, 'text.txt'), 'another')
  await expect(fetchText(store, hash, join(folder, 'elsewhere'))).rejects.toThrow('got another in its place')
})

const start = (...words: string[]) => startBench(folder, words)
const linesOf = (out: string) => decidedLines(join(folder, out))

const hasRedis = findRedis() !== undefined
if (!hasRedis) console.log(`sweeps on a queue are not tested: ${NO_REDIS}`)

describe.skipIf(!hasRedis)('a sweep on a queue', () => {
  let redis: RedisServer
  const started: BenchProcess[] = []
  beforeAll(async () => {
    redis = await startRedis(folder)
    expect(await start('sweep', 'plan.json', '--backend', 'cpu', '--jobs', '2', '--out', 'whole').ended).toBe(0)
  })
  afterEach(async () => {
    for (const { child } of started) child.kill('SIGTERM')
    await Promise.all(started.map(({ ended }) => ended))
    started.length = 0
  })
  afterAll(() => redis?.kill())

  const onQueue = (...words: string[]) => {
    const one = start(...words, '--backend', 'cpu', '--queue', redis.url)
    started.push(one)
    return one
  }
  const sweep = (out: string, ...words: string[]) => onQueue('sweep', 'plan.json', '--out', out, ...words)
  const worker = (name: string, ...words: string[]) => onQueue('worker', '--work', name, ...words)

  /** Whether a worker has saved a checkpoint of a cell. */
  const hasBegun = async (name: string) => {
    const files = await readdir(join(folder, name), { recursive: true }).catch((): string[] => [])
    return files.some((file) => file.endsWith('checkpoint.json'))
  }

  it('has the lines of one machine by two workers, each once', async () => {
    worker('first')
    worker('second')
    expect(await sweep('queued').ended).toBe(0)
    expect(await linesOf('queued')).toEqual(await linesOf('whole'))
  })

  it('has them when a worker is killed and the queue dies, from the checkpoint in a store', async () => {
    const store = ['--store', 'store']
    const soon = [...store, '--lost-after', '4']
    const killed = worker('killed', ...soon)
    const { ended, written } = sweep('deaths', ...store)
    await until(() => hasBegun('killed'))
    killed.child.kill('SIGKILL')
    await redis.kill()
    await until(() => /is gone/.test(written.stderr))
    await redis.restart()
    const other = worker('other', ...soon)
    await until(() => hasBegun('other'))
    await redis.kill()
    await until(() => /is gone/.test(written.stderr) && /is gone/.test(other.written.stderr))
    await redis.restart()
    expect(await ended).toBe(0)
    const said = (text: RegExp) => [written, other.written].map(({ stderr }) => stderr.match(text)?.length)
    expect(said(/the queue redis:.* is gone; what was begun goes on and is saved/g)).toEqual([2, 1])
    expect(said(/the queue redis:.* is back/g)).toEqual([2, 1])
    expect(await linesOf('deaths')).toEqual(await linesOf('whole'))
    other.child.kill('SIGTERM')
    expect(await other.ended).toBe(143)
  })

  it('is one line where a queue hears its own machine alone', async () => {
    // As Redis does it in its protected mode.
    const server = createServer((socket) => socket.end('-DENIED Redis is running in protected mode\r\n'))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { ended, written } = start('queue', '--queue', url)
    expect(await ended).toBe(1)
    server.close()
    expect(written.stderr).toBe(
      `bench: queue: expected a Redis or Valkey at ${url}, got a server that hung up; one without a password hears other machines only with --protected-mode no\n`,
    )
  })

  it('is one line where there is no queue', async () => {
    const { ended, written } = start('sweep', 'plan.json', '--out', 'none', '--queue', 'redis://127.0.0.1:1')
    expect(await ended).toBe(1)
    expect(written.stderr).toBe(
      'bench: queue: expected a Redis or Valkey at redis://127.0.0.1:1, got nobody who answers there\n',
    )
  })
})
