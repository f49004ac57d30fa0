// Workers that lack something, and cells that go from one to another.
import { appendFile, cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SCHEMA_VERSION } from '@alibi/results'
import { writeResults } from '@alibi/results/node'
import { generate } from 'selfsigned'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findRedis, NO_REDIS } from '../../../tooling/redis.mjs'
import { resolveRunConfig } from '../src/config/resolve.js'
import { type CellJob, cellJob } from '../src/queue/cell-job.js'
import { createWorkshop } from '../src/queue/workshop.js'
import { type BenchProcess, decidedLines, startBench, until } from './bench-process.js'
import { type RedisServer, startRedis } from './redis-server.js'
import { type S3Server, startS3 } from './s3-server.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-workers-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a worker refuses, by name, before a cell begins', () => {
  const config = resolveRunConfig({ strategies: ['alibi'], seeds: [1], trainLength: 8, data: './text.txt' })
  const key = { strategy: 'alibi', trainLength: 8, size: '4 layers', seed: 1 }
  const cell = (changes: Partial<CellJob>): CellJob => ({
    ...cellJob('abc', { id: 'cell', key, config, text: 'hash' }, { backend: 'cpu', files: undefined }),
    ...changes,
  })
  const said: string[] = []
  const workshop = () =>
    createWorkshop({
      folder: join(folder, 'work'),
      versions: { '@alibi/transformer': '2.0.0' },
      say: (line) => said.push(line),
    })
  const prepare = (changes: Partial<CellJob>) => workshop().prepare(cell(changes), new AbortController().signal)

  it.each<[string, Partial<CellJob>, string]>([
    [
      'a strategy that has no name here',
      { config: { ...config, strategies: ['mine'] } },
      'strategy mine: expected one',
    ],
    [
      'a tokenizer that is not here',
      { config: { ...config, tokenizerFile: { path: '/nowhere/tokenizer.json', sha256: 'f00' } } },
      'tokenizer: expected /nowhere/tokenizer.json as the sweep has it, with the hash f00, here or in the store, got no --store',
    ],
    ['a checkpoint to go on from', { source: { cell: 'first', key } }, 'goes on from, in the store, got no --store'],
  ])('%s', async (_, changes, message) => {
    await expect(prepare(changes)).rejects.toThrow(message)
  })

  it.each([
    ['cpu', '1.0.0', '@alibi/transformer 1.0.0, not 2.0.0'],
    ['wasm', '2.0.0', 'backend wasm, not cpu'],
  ])('and begins anew what it had of a cell with %s and version %s', async (backend, version, made) => {
    const own = join(folder, 'work/abc/cell')
    await mkdir(own, { recursive: true })
    const about = { seed: 1, backend, device: 'a test', versions: { '@alibi/transformer': version }, commit: null }
    await writeResults(own, [{ type: 'run', schemaVersion: SCHEMA_VERSION, config: { ...config }, ...about }])
    expect(await prepare({})).toEqual({ isNew: true })
    expect(said.at(-1)).toContain(`is begun anew: what ${own} had of it was made with ${made}`)
  })
})

const hasRedis = findRedis() !== undefined
if (!hasRedis) console.log(`workers of a queue are not tested: ${NO_REDIS}`)

describe.skipIf(!hasRedis)('on a queue', () => {
  let redis: RedisServer
  let s3: S3Server
  const keys = { accessKeyId: 'someone', secretAccessKey: 'a secret' }
  const started: BenchProcess[] = []
  beforeAll(async () => {
    redis = await startRedis(folder)
    s3 = await startS3('bucket', keys)
    const golden = fileURLToPath(new URL('golden/bloom/tokenizer.json', import.meta.url))
    await cp(golden, join(folder, 'tokenizer.json'))
    await writeFile(
      join(folder, 'text.txt'),
      'The river is wide.\nThe road is long, and 3 dogs don’t stop.\n'.repeat(40),
    )
  })
  afterEach(async () => {
    for (const { child } of started) child.kill('SIGTERM')
    await Promise.all(started.map(({ ended }) => ended))
    started.length = 0
  })
  afterAll(async () => {
    await redis?.kill()
    await s3?.close()
  })

  const start = (...words: string[]) => {
    const one = startBench(folder, words, {
      AWS_ENDPOINT_URL: s3.url,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      XDG_DATA_HOME: join(folder, 'data'),
    })
    started.push(one)
    return one
  }
  const queue = () => ['--queue', redis.url]
  const worker = (name: string, ...words: string[]) =>
    start('worker', '--work', name, '--backend', 'cpu', ...queue(), ...words)
  const sweep = (plan: string, out: string, ...words: string[]) =>
    start('sweep', plan, '--out', out, '--backend', 'cpu', ...words)
  const says = ({ written }: BenchProcess, text: string) => until(() => written.stderr.includes(text))
  const isEnqueued = (one: BenchProcess) => says(one, 'no worker takes cells on cpu')

  const planOf = (settings: object) => ({
    ...{ strategies: ['alibi'], trainLengths: [8], seeds: [1], tokensPerStep: 16 },
    sizes: [{ numLayers: 1, modelDim: 8, numHeads: 2 }],
    settings: { data: './text.txt', steps: 60, checkpointEvery: 5, evalLengths: [8], evalTokens: 32, ...settings },
  })

  /** A cell that a worker has, as its page and the command show it. */
  async function expectShown(work: string, cell: string): Promise<void> {
    const files = await readdir(join(folder, work), { recursive: true })
    const [log] = files.filter((file) => file.endsWith('log.txt'))
    await appendFile(join(folder, work, log!), 'what its process wrote\n')
    const page = start('watch', ...queue())
    await until(() => page.written.stdout.includes('Ctrl-C'))
    const [url] = page.written.stdout.split(' ')
    const html = await (await fetch(url!)).text()
    expect(html).toContain(`cpu: 1 active; 1 worker on 1 machine`)
    expect(html).toContain(`<th scope="row">${cell}`)
    const [, link] = /href="(log\?cell=[^"]+)"/.exec(html)!
    expect(await (await fetch(`${url}${link}`)).text()).toBe('what its process wrote\n')
    const shown = start('queue', 'log', decodeURIComponent(link!.replace(/.*=/, '')), ...queue())
    expect(await shown.ended).toBe(0)
    expect(shown.written.stdout).toBe('what its process wrote\n')
  }

  it('a cell goes from worker to worker through a bucket, with a text and a tokenizer that they do not have', async () => {
    // Enough that the first worker is at it while others look at its page and its log.
    const plan = planOf({ tokenizer: './tokenizer.json', steps: 1200 })
    await writeFile(join(folder, 'tokens.json'), JSON.stringify(plan))
    expect(await sweep('tokens.json', 'tokens').ended).toBe(0)
    const store = ['--store', 's3://bucket/of/sweeps']
    const queued = sweep('tokens.json', 'queued', ...queue(), ...store)
    await isEnqueued(queued)
    for (const name of ['text.txt', 'tokenizer.json']) await rename(join(folder, name), join(folder, `away-${name}`))

    const poor = worker('poor')
    await says(poor, 'is refused: tokenizer: expected')
    await says(queued, `was given back: ${hostname()}: tokenizer: expected`)
    poor.child.kill('SIGTERM')
    expect(await poor.ended).toBe(143)

    const first = worker('first', ...store)
    await until(() => [...s3.objects.keys()].some((key) => key.endsWith('/current.json')))
    await expectShown('first', 'alibi-L8')
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(143)
    expect(first.written.stderr).toContain('is given back')

    const second = worker('second', ...store)
    expect(await queued.ended).toBe(0)
    expect(second.written.stderr).toContain(' goes on\n')
    expect(await decidedLines(join(folder, 'queued'))).toEqual(await decidedLines(join(folder, 'tokens')))
    for (const { written } of started) expect(JSON.stringify(written)).not.toContain(keys.secretAccessKey)
  })

  it('a strategy of one’s own must compute the same; cells that fail are shown with their reasons', async () => {
    const mine = (
      slope: number,
    ) => `const bias = { kind: 'linear', numHeads: 2, slopes: (ops) => ops.tensor([${slope}, ${slope}], [2]) }
export default () => Object.freeze({ specVersion: 1, name: 'mine', bias })`
    await writeFile(join(folder, 'mine.mjs'), mine(0.5))
    await writeFile(join(folder, 'other.txt'), 'The road is long. '.repeat(60))
    await writeFile(
      join(folder, 'mine.json'),
      JSON.stringify({ ...planOf({ data: './other.txt' }), strategies: ['./mine.mjs'] }),
    )
    const queued = sweep('mine.json', 'mine', ...queue())
    await isEnqueued(queued)
    // Before workers come: the cell ends by itself when enough of them have refused it.
    for (const action of [['cancel'], ['priority', '--priority', '1']]) {
      const unknown = start('queue', ...action, 'all', 'nobody', ...queue())
      expect(await unknown.ended).toBe(1)
      expect(unknown.written.stderr).toContain('cells or sweeps that have not ended, or all, got nobody')
    }
    expect(queued.written.stderr).not.toContain('cancelled')
    await writeFile(join(folder, 'mine.mjs'), mine(0.25))
    const strange = worker('strange')
    await says(strange, 'mine.mjs from a file, which has changed since; nothing of it was run')
    strange.child.kill('SIGTERM')
    await strange.ended
    const other = worker('other', '--trust', './mine.mjs')
    await says(other, 'strategy mine: expected what the sweep has, with the fingerprint')
    expect(await start('queue', 'cancel', 'all', ...queue()).ended).toBe(0)
    expect(await queued.ended).toBe(1)
    expect(queued.written.stderr).toContain('FAILED: cancelled')
    const shown = start('queue', ...queue())
    expect(await shown.ended).toBe(0)
    expect(shown.written.stdout).toMatch(/\n.*mine-L8.*cancelled/)
  })

  it('a queue with TLS and a password is joined by whoever trusts its certificate and knows the password', async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    })
    const [certificate, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')]
    await writeFile(certificate, cert)
    await writeFile(keyFile, key)
    await mkdir(join(folder, 'secure'))
    const secure = await startRedis(join(folder, 'secure'), { password: 'the secret', certificate, key: keyFile })
    try {
      const shown = async (environment: NodeJS.ProcessEnv) => {
        const one = startBench(folder, ['queue', '--queue', secure.url], environment)
        return { code: await one.ended, ...one.written }
      }
      const [NODE_EXTRA_CA_CERTS, BENCH_QUEUE_PASSWORD] = [certificate, 'the secret']
      const refused = { code: 1, stdout: '' }
      expect(
        await Promise.all([
          shown({ NODE_EXTRA_CA_CERTS, BENCH_QUEUE_PASSWORD }),
          shown({ BENCH_QUEUE_PASSWORD }),
          shown({ NODE_EXTRA_CA_CERTS, BENCH_QUEUE_PASSWORD: 'another secret' }),
        ]),
      ).toEqual([
        { code: 0, stdout: 'no cells and no workers\n', stderr: '' },
        {
          ...refused,
          stderr: `bench: queue: expected a Redis or Valkey at ${secure.url}, got a certificate that this machine does not trust; name the file of its authority in NODE_EXTRA_CA_CERTS\n`,
        },
        {
          ...refused,
          stderr: expect.stringMatching(/^bench: queue: expected a Redis or Valkey at \S+, got WRONGPASS [^\n]*\n$/),
        },
      ])
    } finally {
      await secure.kill()
    }
  })
})
