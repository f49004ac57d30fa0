import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../src/queue/open-store.js'
import type { Store } from '../src/queue/store.js'
import { openBucket } from '../src/queue/store-bucket.js'
import { authorizationOf, type S3Server, signatureOf, startS3 } from './s3-server.js'

// AWS's own, from its documentation.
const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }

let folder: string
let s3: S3Server
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-store-'))
  s3 = await startS3('bucket', keys)
})
afterAll(async () => {
  await s3.close()
  await rm(folder, { recursive: true })
})

const environmentOf = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  AWS_ENDPOINT_URL_S3: s3.url,
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  ...more,
})

const stores: Readonly<Record<string, () => Promise<Store>>> = {
  'a folder': () => openStore(join(folder, 'store')),
  'a bucket': () => openBucket('s3://bucket/of/a sweep', environmentOf()),
}

describe.each(Object.entries(stores))('a store in %s', (name, open) => {
  it('has files whole, by their keys, until they are removed', async () => {
    const store = await open()
    const [path, got] = [join(folder, `${name} put`), join(folder, name, 'got')]
    const large = randomBytes(11 * 2 ** 20)
    await writeFile(path, large)
    await store.put('texts/one/large & ünusual.txt', path)
    expect(await store.get('texts/one/large & ünusual.txt', got)).toBe(true)
    expect(large.equals(await readFile(got))).toBe(true)
    for (const key of ['texts/one/2', 'texts/one/3', 'texts/one.json', 'texts/one/below/4']) await store.write(key, key)
    expect(await store.read('texts/one/below/4')).toBe('texts/one/below/4')
    await store.remove('texts/one')
    for (const key of ['texts/one/2', 'texts/one/3', 'texts/one/below/4', 'texts/one/large & ünusual.txt'])
      expect(await store.read(key)).toBeUndefined()
    expect(await store.get('texts/one/2', join(folder, name, 'nothing'))).toBe(false)
    await expect(readFile(join(folder, name, 'nothing'))).rejects.toThrow('ENOENT')
    expect(await store.read('texts/one.json')).toBe('texts/one.json')
  })

  it('says which file of this machine is not there', async () => {
    await expect((await open()).put('key', join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('a bucket', () => {
  it('has its secrets from the environment, which keeps none', async () => {
    const environment = environmentOf()
    await openBucket('s3://bucket', environment)
    expect(environment).toEqual({ AWS_ENDPOINT_URL_S3: s3.url, AWS_ACCESS_KEY_ID: keys.accessKeyId })
  })

  it.each([
    ['s3://bucket', { AWS_SECRET_ACCESS_KEY: 'secret' }, 'got SignatureDoesNotMatch'],
    ['s3://bucket', { AWS_ACCESS_KEY_ID: 'secret' }, 'got InvalidAccessKeyId'],
    ['s3://other/prefix', {}, 'expected the bucket s3://other/prefix/, got NoSuchBucket'],
    ['s3://key:secret@bucket', {}, 'expected s3://bucket/prefix'],
    ['s3://bucket', { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' }, 'ECONNREFUSED'],
  ])('is refused in one line, without secrets: %s %j', async (where, more, message) => {
    const refusal = openBucket(where, environmentOf(more)).then(String, (error: Error) => error.message)
    expect(await refusal).toMatch(/^store: expected /)
    expect(await refusal).toContain(message)
    expect(await refusal).not.toMatch(/secret|\n/)
  })
})

it('says what a store may be', async () => {
  await expect(openStore('http://host')).rejects.toThrow('expected a folder that all machines see, or s3://')
})

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html: its examples, with their signatures.
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
it.each([
  ['GET', '/test.txt', { range: 'bytes=0-9' }, 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41'],
  ['GET', '/?lifecycle', {}, 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
  ['GET', '/?max-keys=2&prefix=J', {}, '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
])('the server of these tests signs AWS’s examples as AWS does: %s %s', (method, url, more, signature) => {
  const headers = {
    host: 'examplebucket.s3.amazonaws.com',
    ...more,
    'x-amz-content-sha256': EMPTY,
    'x-amz-date': '20130524T000000Z',
  }
  const signed = Object.keys(headers).sort().join(';')
  const scope = `${keys.accessKeyId}/20130524/us-east-1/s3/aws4_request`
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${signed},Signature=${signature}`
  const request = { method, url, headers: { ...headers, authorization } }
  expect(signatureOf(request, keys.secretAccessKey)).toBe(authorizationOf(request.headers).signature)
})
