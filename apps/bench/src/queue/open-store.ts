import type { Store } from './store.js'

/**
 * @param where - a folder that all machines see, or a bucket, e.g. `s3://bucket/prefix`
 * @throws Error, one line, for one that nothing can be written to
 */
export async function openStore(where: string): Promise<Store> {
  if (where.startsWith('s3:')) return (await import('./store-bucket.js')).openBucket(where)
  if (/^\w+:\/\//.test(where))
    throw new Error(`store: expected a folder that all machines see, or s3://bucket/prefix, got ${where}`)
  return (await import('./store-folder.js')).openFolder(where)
}
