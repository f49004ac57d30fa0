import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Backend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'

/** Of what computes a run's numbers. */
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
