import { resolve } from 'node:path'
import { checkValues, formatReference, splitReference } from '@alibi/strategies'
import { findSource, type PluginKind } from '../../plugins/source.js'
import { sourceNamed } from '../sources.js'
import { builtInTask, builtInTasks, type TaskDefinition, type TaskOptions } from './built-in.js'

/** Tasks of people's own modules. */
export const taskKind: PluginKind = { word: 'task', builtIn: builtInTasks }

/** A built-in task as a command line names it. */
export interface BuiltInReference {
  readonly definition: TaskDefinition
  readonly options: TaskOptions
  /** The text that it reads: the name of one, or a file or folder. Absent: none was named. */
  readonly text: string | undefined
}

/**
 * @returns undefined for a task of a file or package
 * @throws RangeError, one line, for options that the task does not have, or values that they cannot have
 */
export function builtInReference(reference: string): BuiltInReference | undefined {
  const { use, given } = splitReference(reference, 'task')
  const definition = builtInTask(use)
  if (!definition) {
    const [option] = Object.keys(given)
    if (option === undefined) return undefined
    throw new RangeError(
      `task ${use}: expected options with a built-in task (${builtInTasks.join(', ')}), got ${option}; write them into its own code`,
    )
  }
  const where = `task ${use}`
  const { text, ...others } = given
  const options = checkValues(where, definition.options, others)
  for (const [name, value] of Object.entries(options)) checkOption(where, name, value)
  if (text !== undefined && !definition.readsText(options))
    throw new RangeError(
      `${where}: expected text with a task that reads one (haystack=essay), got ${text}; leave it out`,
    )
  return { definition, options, text }
}

/** Lowest values of options that count things; the exponent of a distribution is above 1, and no integer. */
const LOWEST: Readonly<Record<string, number>> = { shots: 0, hops: 0 }

/** More needles than RULER has depths would not find a place. */
const MOST = 40

function checkOption(where: string, name: string, value: number | boolean | string): void {
  if (typeof value !== 'number') return
  if (name === 'alpha') {
    if (!(value > 1)) throw new RangeError(`${where}: alpha: expected a number above 1, got ${value}`)
    return
  }
  const lowest = LOWEST[name] ?? 1
  if (!Number.isInteger(value) || value < lowest || value > MOST)
    throw new RangeError(`${where}: ${name}: expected an integer from ${lowest} to ${MOST}, got ${value}`)
}

/** A reference whose relative paths begin at a folder, as one that may be used from anywhere. */
export function taskFrom(folder: string, reference: string): string {
  const { use, given, as } = splitReference(reference, 'task')
  const { text } = given
  if (!builtInTask(use)) return /^\.{1,2}[/\\]/.test(reference) ? resolve(folder, reference) : reference
  if (text === undefined || sourceNamed(text)) return reference
  return formatReference({ use, options: { ...given, text: resolve(folder, text) }, as })
}

/**
 * A reference as results keep it, its paths absolute.
 *
 * @throws Error, one line, for a task that there is not, or options that it does not have
 */
export const absoluteTask = (reference: string): string =>
  builtInReference(reference) ? taskFrom('.', reference) : findSource(reference, taskKind).from
