// A small S3 on loopback that keeps its objects in memory. It believes nobody whose signature is not as AWS's published
// algorithm makes it (version 4): https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface SignedRequest {
  readonly method: string
  /** With its query, as it was sent. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()

/** @returns the signature that a request must have, by its own list of signed headers */
export function signatureOf({ method, url, headers }: SignedRequest, secret: string): string {
  const { scope, signed } = authorizationOf(headers)
  const { pathname, search } = new URL(url, 'http://host')
  const query = search
    .slice(1)
    .split('&')
    .filter(Boolean)
    .map((each) => (each.includes('=') ? each : `${each}=`))
    .sort()
  const canonical = [
    method,
    pathname,
    query.join('&'),
    ...signed.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signed.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope.join('/'), sha256(canonical)].join('\n')
  const key = scope.reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${secret}`)
  return hmac(key, toSign).toString('hex')
}

export function authorizationOf(headers: SignedRequest['headers']) {
  const pattern = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([\da-f]{64})$/
  const [, accessKeyId = '', scope = '', signed = '', signature = ''] = pattern.exec(`${headers.authorization}`) ?? []
  return { accessKeyId, scope: scope.split('/'), signed: signed.split(';'), signature }
}

export interface S3Server {
  readonly url: string
  /** By `/bucket/key`. */
  readonly objects: Map<string, Buffer>
  close(): Promise<void>
}

/** Answers of its lists have few keys, so that they are asked for page by page. */
const KEYS_A_PAGE = 2

export async function startS3(bucket: string, keys: Keys): Promise<S3Server> {
  const objects = new Map<string, Buffer>()
  const uploads = new Map<string, Map<number, Buffer>>()

  /** @throws the code of S3's refusal */
  function expectSigned(request: IncomingMessage, body: Buffer): void {
    const { accessKeyId, signature } = authorizationOf(request.headers)
    if (accessKeyId !== keys.accessKeyId) throw 'InvalidAccessKeyId'
    const wanted = signatureOf(request as SignedRequest, keys.secretAccessKey)
    if (!timingSafeEqual(Buffer.from(wanted), Buffer.from(signature))) throw 'SignatureDoesNotMatch'
    if (request.headers['x-amz-content-sha256'] !== sha256(body)) throw 'XAmzContentSHA256Mismatch'
  }

  function answer({ method, url }: IncomingMessage, body: Buffer): string | Buffer {
    const { pathname, searchParams: query } = new URL(url!, 'http://host')
    const path = decodeURIComponent(pathname)
    if (path.split('/')[1] !== bucket) throw 'NoSuchBucket'
    const upload = query.get('uploadId') ?? ''
    if (method === 'GET' && query.get('list-type') === '2') {
      const [prefix, after] = [query.get('prefix') ?? '', query.get('continuation-token') ?? '']
      const own = [...objects.keys()].map((key) => key.slice(`/${bucket}/`.length))
      const found = own.filter((key) => key.startsWith(prefix) && key > after).sort()
      const page = found.slice(0, KEYS_A_PAGE)
      const more = found.length > page.length
      return `<ListBucketResult>${page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('')}<IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''}</ListBucketResult>`
    }
    if (method === 'GET') {
      if (!objects.has(path)) throw 'NoSuchKey'
      return objects.get(path)!
    }
    if (method === 'DELETE') objects.delete(path)
    else if (method === 'POST' && query.has('uploads')) {
      const id = `upload-${uploads.size}`
      uploads.set(id, new Map())
      return `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`
    } else if (method === 'POST' && uploads.has(upload)) {
      const parts = [...uploads.get(upload)!].sort(([a], [b]) => a - b)
      objects.set(path, Buffer.concat(parts.map(([, part]) => part)))
      return '<CompleteMultipartUploadResult><ETag>"etag"</ETag></CompleteMultipartUploadResult>'
    } else if (method === 'PUT' && uploads.has(upload)) uploads.get(upload)!.set(Number(query.get('partNumber')), body)
    else if (method === 'PUT') objects.set(path, body)
    else throw 'MethodNotAllowed'
    return ''
  }

  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    try {
      expectSigned(request, body)
      const answered = answer(request, body)
      response.writeHead(request.method === 'DELETE' ? 204 : 200, { etag: '"etag"' }).end(answered)
    } catch (code) {
      const status = `${code}`.startsWith('NoSuch') ? 404 : 403
      const text = `<Error><Code>${code}</Code><Message>${code} of the test</Message></Error>`
      response.writeHead(status, { 'content-type': 'application/xml' }).end(text)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    objects,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
