import { isDeepStrictEqual } from 'node:util'
import { seededRandom } from '@alibi/core'
import { checkName } from '@alibi/strategies'
import { taskNameOf } from '../../config/task-reference.js'
import { type LoadedModule, loadModule } from '../../plugins/load.js'
import { findSource } from '../../plugins/source.js'
import { thrownText } from '../../plugins/thrown.js'
import { expectTrusted, rememberModule } from '../../plugins/trust.js'
import { heldOutStart, openText } from '../open-text.js'
import type { ReadOptions } from '../split-text.js'
import { builtInTasks } from './built-in.js'
import { type BuiltInReference, builtInReference, taskKind } from './reference.js'
import type { NamedTask, Task, Trial } from './task.js'

export interface OpenTaskOptions extends ReadOptions {
  /** The text that tasks hide needles in, where they name none: the name of one, or a file or folder. */
  readonly text?: string
}

/**
 * The task that a reference names: a built-in one, or the one that a file or package exports, whose code runs.
 *
 * @throws Error, one line, for one that is not there or makes no trials, and for a text that is missing
 */
export async function openTask(reference: string, options: OpenTaskOptions): Promise<NamedTask> {
  const name = taskNameOf(reference)
  const builtIn = builtInReference(reference)
  if (builtIn) {
    const own = name === reference.replace(/:.*/s, '')
    checkName(`task ${reference}`, name, own ? [] : builtInTasks, 'name it yourself: …:as=<name>')
    return named(name, builtIn.definition.make(builtIn.options, await wordsOf(name, builtIn, options)))
  }
  // Before its code runs.
  findSource(reference, taskKind)
  checkName(`task ${reference}`, name, builtInTasks, 'rename its file, or name an export: …#name')
  const task = named(name, chooseTask(reference, await loadModule(reference, taskKind)))
  tryOut(task)
  await rememberModule(reference, taskKind, options.log)
  return task
}

/** More bytes of a text than any trial has. */
const MOST_BYTES = 2 ** 26

/** The words that a task hides needles among: those of the held-out part of its text. */
async function wordsOf(
  name: string,
  { definition, options, text: own }: BuiltInReference,
  { text: others, log, signal }: OpenTaskOptions,
): Promise<string[] | undefined> {
  if (!definition.readsText(options)) return undefined
  const text = own ?? others
  if (text === undefined)
    throw new Error(`task ${name}: expected a text to hide needles in, got none; name one: …:text=<name|file|folder>`)
  const opened = await openText(text, { trainLength: 1, log, signal })
  const words = new TextDecoder()
    .decode(await heldOutStart(opened, MOST_BYTES))
    .split(/\s+/)
    .filter(Boolean)
  if (!words.length) throw new Error(`task ${name}: expected a text with words, got none in ${text}`)
  return words
}

/**
 * @param reference - as results or a checkpoint say it
 * @throws Error, one line with what to do, unless it is built in, or somebody named its file here and it has not changed since
 */
export async function expectTrustedTask(reference: string): Promise<void> {
  if (!builtInReference(reference)) await expectTrusted(taskNameOf(reference), reference, taskKind)
}

const isTask = (value: unknown): value is Task =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Task>).trial === 'function'

/** The default export, the only one that is a task, or the one that was named. */
function chooseTask(reference: string, { exports, exportName }: LoadedModule): Task {
  const found = Object.keys(exports).filter((name) => isTask(exports[name]))
  const chosen = exportName ?? (found.includes('default') ? 'default' : found.length === 1 ? found[0]! : '')
  if (found.includes(chosen)) return exports[chosen] as Task
  const expected = `task ${reference}: expected ${exportName ? `an export ${exportName}` : 'one export'} with a function trial(length, random) => { prompt, answer }`
  throw new Error(
    found.length
      ? `${expected}, got tasks ${found.join(', ')}; choose one: ${reference.replace(/#.*/s, '')}#${found[0]}`
      : `${expected}, got ${Object.keys(exports).join(', ') || 'no exports'}`,
  )
}

/** The task with its defaults filled in; every trial that it makes is checked. */
function named(name: string, task: Task): NamedTask {
  const { unit = 'length', shortest = 1 } = task
  if (!Number.isInteger(shortest) || shortest < 0)
    throw new Error(`task ${name}: expected shortest as an integer from 0 up, got ${String(shortest)}`)
  if (typeof unit !== 'string' || unit === '') throw new Error(`task ${name}: expected unit as a text, got ${unit}`)
  const trial = (length: number, random: () => number, most: number): Trial =>
    checked(name, length, () => task.trial(length, random, most))
  return { name, unit, shortest, trial }
}

/** @throws Error, one line, for what is no trial */
function checked(name: string, length: number, make: () => unknown): Trial {
  const where = `task ${name}, trial of length ${length}`
  let made: unknown
  try {
    made = make()
  } catch (error) {
    throw new Error(`${where}: ${thrownText(error)}`, { cause: error })
  }
  const { prompt, answer, parts } = (made ?? {}) as Partial<Trial>
  for (const [key, text] of Object.entries({ prompt, answer }))
    if (typeof text !== 'string' || text === '')
      throw new Error(`${where}: expected ${key} as a text, got ${show(text)}`)
  if (parts === undefined) return made as Trial
  if (!Array.isArray(parts) || !parts.length) throw new Error(`${where}: expected parts as a list, got ${show(parts)}`)
  let from = 0
  for (const part of parts) {
    const at = typeof part === 'string' && part !== '' ? answer!.indexOf(part, from) : -1
    if (at < 0) throw new Error(`${where}: expected parts of its answer in their order, got ${show(part)}`)
    from = at + part.length
  }
  return made as Trial
}

const show = (value: unknown) => JSON.stringify(value)?.slice(0, 60) ?? 'nothing'

/** Tokens that trials may have where nothing limits them. */
const MANY = 2 ** 20

/** Trials of some lengths, each made twice. */
function tryOut({ name, shortest, trial }: NamedTask): void {
  for (const length of [shortest, shortest + 1, shortest + 7])
    for (let seed = 0; seed < 4; seed++)
      if (!isDeepStrictEqual(trial(length, seededRandom(seed), MANY), trial(length, seededRandom(seed), MANY)))
        throw new Error(
          `task ${name}: expected the same trial for the same random numbers, got two others of length ${length}; take all chance from random`,
        )
}
