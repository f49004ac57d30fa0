// A bucket of S3, or of what speaks as S3 does: AWS's own client finds the credentials, as AWS's tools do.
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { Store } from './store.js'
import { whole } from './whole.js'

/**
 * A bucket that all machines reach. `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` names another server than AWS's. Keys in the
 * environment are taken out of it, which the processes of cells inherit.
 *
 * @param where - e.g. `s3://bucket/prefix`
 * @throws Error, one line, for what is no address, and a bucket that cannot be written to
 */
export async function openBucket(where: string, environment: NodeJS.ProcessEnv = process.env): Promise<Store> {
  const { Bucket, prefix } = parse(where)
  // Its lines about versions of Node to come are for its developers, not for whoever trains models.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const client = new S3Client({
    ...placeOf(environment),
    ...credentialsOf(environment),
    // What most servers know. Files are whole or absent, and what is made of them has hashes of its own.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // A network that is cut says nothing.
    requestHandler: { connectionTimeout: 5000, socketTimeout: 30_000 },
  })
  const at = (key: string) => ({ Bucket, Key: `${prefix}${key}` })
  const doing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw explained(error as Error, `s3://${Bucket}/${prefix}`)
    }
  }
  const found = async <T>(key: string, use: (body: Body) => Promise<T>): Promise<T | undefined> => {
    try {
      return await doing(async () => use((await client.send(new GetObjectCommand(at(key)))).Body!))
    } catch (error) {
      if ((error as Error).cause instanceof NoSuchKey) return undefined
      throw error
    }
  }
  const store: Store = {
    get: async (key, path) =>
      (await found(key, async (body) => {
        await whole(path, (partial) => pipeline(body as Readable, createWriteStream(partial)))
        return true
      })) ?? false,
    async put(key, path) {
      await doing(() => new Upload({ client, params: { ...at(key), Body: createReadStream(path) } }).done())
    },
    read: (key) => found(key, (body) => body.transformToString()),
    async write(key, text) {
      await doing(() => client.send(new PutObjectCommand({ ...at(key), Body: text })))
    },
    remove: (key) =>
      doing(async () => {
        const pages = paginateListObjectsV2({ client }, { Bucket, Prefix: `${prefix}${key}/` })
        const keys = [at(key).Key]
        for await (const { Contents = [] } of pages) keys.push(...Contents.map(({ Key }) => Key!))
        for (const Key of keys) await client.send(new DeleteObjectCommand({ Bucket, Key }))
      }),
  }
  const trial = `trial-${randomUUID()}`
  await store.write(trial, 'to see whether it may be written to')
  await store.remove(trial)
  return store
}

type Body = NonNullable<GetObjectCommandOutput['Body']>

function parse(where: string): { readonly Bucket: string; readonly prefix: string } {
  const [, Bucket, path = ''] = /^s3:\/\/([a-z\d][a-z\d.-]+)(\/[^?#]*)?$/.exec(where) ?? []
  if (Bucket === undefined)
    throw new Error(
      'store: expected s3://bucket/prefix, with credentials and the endpoint in the environment, got something else',
    )
  const folders = path.split('/').filter(Boolean)
  return { Bucket, prefix: folders.map((folder) => `${folder}/`).join('') }
}

/** Where it is: other servers than AWS's have buckets in their paths, and may have no regions. */
function placeOf({ AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION }: NodeJS.ProcessEnv) {
  const endpoint = AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL
  const region = AWS_REGION || AWS_DEFAULT_REGION || (endpoint ? 'us-east-1' : undefined)
  return { ...(endpoint && { endpoint, forcePathStyle: true }), ...(region && { region }) }
}

/** Those in the environment; without them the client looks where AWS's tools do. */
function credentialsOf(environment: NodeJS.ProcessEnv) {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = environment
  delete environment.AWS_SECRET_ACCESS_KEY
  delete environment.AWS_SESSION_TOKEN
  if (!accessKeyId || !secretAccessKey) return {}
  return { credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) } }
}

/** In one line; what a file of this machine says stays as it is. */
function explained(error: NodeJS.ErrnoException, shown: string): Error {
  if (error.code === 'ENOENT') return error
  const [first = ''] = (error.message || error.code || '').split('\n')
  const said = first.startsWith(error.name) || error.name === 'Error' ? first : `${error.name}: ${first}`
  return new Error(`store: expected the bucket ${shown}, got ${said}`, { cause: error })
}
