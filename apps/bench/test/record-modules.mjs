// Writes down every module that a process loads: `node --import` it, with RECORD_MODULES as the file.
import { appendFileSync } from 'node:fs'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  if (url.startsWith('file:')) appendFileSync(/** @type {string} */ (process.env.RECORD_MODULES), `${url}\n`)
  return next(url, context)
}

if (isMainThread) register(import.meta.url)
