import { basename } from 'node:path'

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
 * What a task is called in results: by its own name, its export, or its file. It is known without loading anything.
 *
 * @param reference - `addition`, `./mine.ts`, `./mine.ts#first`, `a-package`
 */
export function taskNameOf(reference: string): string {
  const [, module = '', exportName] = /^(.*?)(?:#([\w$]+))?$/s.exec(reference)!
  return exportName ?? basename(module.replaceAll('\\', '/')).replace(/\.[cm]?[jt]sx?$/, '')
}
