import { basename } from 'node:path'
import { splitReference, variantName } from '@alibi/strategies'

/** What `data` begins with where it names a task, whose code may run, and no text. */
const PREFIX = 'task:'

/**
 * The task that `data` names: `addition` of `task:addition`, `./mine.ts` of `task:./mine.ts`.
 *
 * @returns undefined for a text
 */
export const taskReferenceOf = (data: string): string | undefined =>
  data.startsWith(PREFIX) ? data.slice(PREFIX.length) : undefined

/** The same the other way round. */
export const taskData = (reference: string): string => `${PREFIX}${reference}`

/**
 * What a task is called in results: by its own name and its options, its export, or its file. It is known without loading
 * anything. The text that it reads is no part of it.
 *
 * @param reference - `addition`, `niah-single-1:keys=4`, `vt:hops=2:as=two-hops`, `./mine.ts`, `./mine.ts#first`, `a-package`
 * @throws RangeError, one line, for an option that is there twice
 */
export function taskNameOf(reference: string): string {
  const { use, given, as } = splitReference(reference, 'task')
  if (as !== undefined) return as
  const { text, ...options } = given
  const [, module = '', exportName] = /^(.*?)(?:#([\w$]+))?$/s.exec(use)!
  const name = exportName ?? basename(module.replaceAll('\\', '/')).replace(/\.[cm]?[jt]sx?$/, '')
  return variantName({ use: name, options })
}
