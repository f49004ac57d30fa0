import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Backend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'

/** The versions of what computes a run's numbers. */
export const versionsOf = (backend: Backend): Record<string, string> => ({
  node: process.versions.node,
  platform: `${process.platform}-${process.arch}`,
  [backend.package]: backend.version,
  '@tensorflow/tfjs': tf.version.tfjs,
})

/** The commit this code is at; null where it is not a git checkout. */
export async function codeCommit(): Promise<string | null> {
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  const described = await promisify(execFile)(
    'git',
    ['describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'],
    {
      cwd,
    },
  ).catch(() => undefined)
  return described?.stdout.trim() ?? null
}

/**
 * What the backend reaches in a product of matrices: the best of ten, on fresh random numbers.
 *
 * @param n - rows and columns
 */
export async function matmulGigaflops(n = 1024): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 10; i++) {
    const [a, b] = [tf.randomUniform([n, n], -1, 1), tf.randomUniform([n, n], -1, 1)]
    await Promise.all([a.data(), b.data()])
    const started = performance.now()
    const product = tf.matMul(a, b)
    await product.data()
    best = Math.min(best, performance.now() - started)
    tf.dispose([a, b, product])
  }
  return (2 * n ** 3) / best / 1e6
}
